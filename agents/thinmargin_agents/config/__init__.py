"""The configuration of a run: flags of train.py, presets, hyper-parameters, and what they make together.

Nothing heavy is imported here, so that `--help` answers at once.
"""
