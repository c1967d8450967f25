"""Stable-Baselines3 on this environment: algorithms, networks, and the state of a training."""
