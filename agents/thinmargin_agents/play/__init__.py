"""A policy played through many worlds at once, and its outcome."""
