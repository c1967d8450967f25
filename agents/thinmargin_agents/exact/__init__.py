"""The one small world whose optimum is computed exactly, and what others reach of it."""
