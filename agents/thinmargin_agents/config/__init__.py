"""What a run is: the flags of train.py, presets, hyper-parameters, and the configuration that they make together.

Nothing heavy is imported here, so that `--help` answers at once.
"""
