"""Policies on the same worlds: the arena, stress worlds, validation while training."""
