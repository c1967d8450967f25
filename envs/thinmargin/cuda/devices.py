"""A GPU as the batch needs it: tensors of torch, kernels of numba-cuda, and clear words where one is missing."""

from __future__ import annotations

import re
import warnings
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from thinmargin.settings import check_numbers
from thinmargin.shown import shown

EXTRA = "pip install 'thinmargin[cuda]' 'numba-cuda[cu13]' (or [cu12])"
GIB = float(1 << 30)
BLOCKS_A_PROCESSOR = 8
MOST_HIDDEN = 128
"""Most hidden constants of a family of worlds: a thread has memory of its own for so many."""
THREADS_A_BLOCK, WARP = 128, 32
"""Threads of a block, and the fewest: those that run in step."""


def check_device(device: object) -> None:
    """Raise TypeError or ValueError unless `device` is "cuda" or "cuda:NUMBER", with a number up to 999."""
    if not isinstance(device, str):
        raise TypeError(f"device is {shown(device)}: must be a text, 'cuda' or 'cuda:NUMBER' (make_vec: 'cpu' too)")
    kind, _, number = device.partition(":")
    if kind != "cuda" or (":" in device and re.fullmatch(r"0|[1-9][0-9]{0,2}", number) is None):
        raise ValueError(
            f"device is {shown(device)}: allowed are cuda and cuda:NUMBER, from 0 to 999 (make_vec: cpu too)"
        )


class Device:
    """One GPU, or numba's simulator of one.

    Args:
        name: "cuda" or "cuda:NUMBER".

    Raises:
        TypeError, ValueError: `name` is something else, or there is no such device here.
        ModuleNotFoundError: numba-cuda or torch is not installed.
    """

    def __init__(self, name: str) -> None:
        check_device(name)
        self.name = name
        self._torch = _library("torch", name)
        settings: Any = numba.config
        self.is_simulated = bool(settings.ENABLE_CUDASIM)
        if self.is_simulated:
            if not settings.DISABLE_JIT:
                raise ValueError(
                    f"device is {shown(name)}, in numba's simulator: set NUMBA_DISABLE_JIT=1 beside"
                    " NUMBA_ENABLE_CUDASIM=1"
                )
            self._where = "cpu"
        else:
            _library("numba_cuda", name)
            self._check_there()
            self._where = name
        from numba import cuda  # noqa: PLC0415

        from thinmargin.cuda.kernels import KERNELS  # noqa: PLC0415

        self._cuda, self._kernels = cuda, KERNELS
        self._launchers: dict[Any, Any] = {}
        self._processors = 1 if self.is_simulated else self._count_processors()

    def _check_there(self) -> None:
        found = self._torch.cuda.device_count() if self._torch.cuda.is_available() else 0
        number = int(self.name.partition(":")[2] or 0)
        if number >= found:
            there = ", ".join(f"cuda:{k}" for k in range(found)) or "none: torch finds no GPU that it can use"
            raise ValueError(f"device is {shown(self.name)}: there is no such device here, there is {there}")

    def _count_processors(self) -> int:
        return int(self._torch.cuda.get_device_properties(self.name).multi_processor_count)

    def check_room(self, what: str, needed: int) -> None:
        """Raise MemoryError if something needs more memory than the device has left.

        Args:
            what: begins the message: the argument and its value.
            needed: bytes.
        """
        if self.is_simulated:
            return
        left, _ = self._torch.cuda.mem_get_info(self.name)
        left += self._torch.cuda.memory_reserved(self.name) - self._torch.cuda.memory_allocated(self.name)
        if needed > left:
            raise MemoryError(
                f"{what}: needs about {needed / GIB:.1f} GiB of memory on {self.name}, and {left / GIB:.1f} GiB are"
                " left: allowed is what fits"
            )

    def threads(self, firms: int) -> int:
        """Threads of a grid that runs so many firms."""
        blocks, threads = self._shape(firms)
        return blocks * threads

    def _shape(self, firms: int) -> tuple[int, int]:
        """Blocks of a grid and threads of each: small blocks where large ones would leave processors idle."""
        if self.is_simulated:
            return min(-(-firms // 4), 2), 4
        threads = THREADS_A_BLOCK if firms >= THREADS_A_BLOCK * self._processors else WARP
        return min(-(-firms // threads), self._processors * BLOCKS_A_PROCESSOR), threads

    def launch(self, kernel: str, firms: int, *arguments: Any) -> None:
        """Run a kernel of `thinmargin.cuda.kernels` for so many firms, in torch's order of work."""
        shape = self._shape(firms)
        if self.is_simulated:
            given = [item.numpy() if self.is_tensor(item) else item for item in arguments]
            getattr(self._kernels, kernel)[shape](*given)
            return
        with self._torch.cuda.device(self.name):
            given = [self._cuda.as_cuda_array(item, sync=False) if self.is_tensor(item) else item for item in arguments]
            self._launcher(kernel, shape, self._torch.cuda.current_stream().cuda_stream)(*given)

    def _launcher(self, kernel: str, shape: tuple[int, int], stream: int) -> Any:
        """A kernel with its grid and stream, made once of each."""
        key = kernel, shape, stream
        if key not in self._launchers:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Grid size")  # a small batch is a small grid
                self._launchers[key] = getattr(self._kernels, kernel)[(*shape, self._cuda.external_stream(stream))]
        return self._launchers[key]

    def is_tensor(self, thing: object) -> bool:
        """Whether it is a tensor of torch."""
        return isinstance(thing, self._torch.Tensor)

    def zeros(self, shape: tuple[int, ...], kind: npt.DTypeLike = np.float64) -> Any:
        """A tensor of zeros on the device."""
        return self._torch.zeros(shape, dtype=self._kind(kind), device=self._where)

    def _kind(self, kind: npt.DTypeLike) -> Any:
        return getattr(self._torch, np.dtype(kind).name)

    def tensor(self, array: npt.NDArray[Any]) -> Any:
        """A copy of an array on the device."""
        return self._torch.from_numpy(np.array(array, order="C")).to(self._where)

    def array(self, tensor: Any) -> npt.NDArray[Any]:
        """A copy of a tensor on this machine."""
        return np.array(tensor.detach().cpu().numpy())

    def numbers(self, name: str, value: Any, shape: tuple[int, ...]) -> Any:
        """A value as float64 on the device; raise unless it has this shape and finite real numbers."""
        if not self.is_tensor(value):
            return self.tensor(check_numbers(value, shape).astype(np.float64))
        if value.dtype.is_complex or value.dtype == self._torch.bool:
            raise TypeError(f"{name} has type {value.dtype}: must be real numbers (float32)")
        if tuple(value.shape) != shape:
            raise ValueError(f"{name} has shape {tuple(value.shape)}: must be {shape}")
        try:
            numbers = value.detach().to(device=self._where, dtype=self._torch.float64).contiguous()
        except (RuntimeError, NotImplementedError) as error:
            raise ValueError(f"{name} is a tensor that cannot be brought here: {shown(str(error))}") from error
        if not bool(self._torch.isfinite(numbers).all()):
            row, place = self._torch.nonzero(~self._torch.isfinite(numbers))[0].tolist()
            found = float(numbers[row, place])
            raise ValueError(f"{name} has {found:g} in place [{row}, {place}]: every number must be finite")
        return numbers


def _library(name: str, device: str) -> Any:
    """A library that a device needs; one that is missing is a ModuleNotFoundError that says what to install."""
    if find_spec(name) is None:
        raise ModuleNotFoundError(f"device is {shown(device)}: {name.replace('_', '-')} is not installed: {EXTRA}")
    return import_module(name)
