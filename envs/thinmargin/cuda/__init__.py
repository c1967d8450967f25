"""Many firms on one GPU: the same equations as everywhere, compiled for it by numba-cuda.

| module | what is in it |
| --- | --- |
| `columns` | a firm as one column of a table: what the equations take for a record |
| `compiled_columns` | the same in code compiled for a GPU |
| `kernels` | the month, the closing value, new worlds: one thread a firm |
| `devices` | one GPU: its tensors, its memory, how kernels are launched |
| `vector` | `CudaVectorEnv`, the contract of `EcosystemVectorEnv` with tensors of torch |

Nothing here is imported before somebody asks for a device.
"""
