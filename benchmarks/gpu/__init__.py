"""Checks of the batch on a GPU: its numbers beside a CPU's, its speed in two layouts, and training on it."""
