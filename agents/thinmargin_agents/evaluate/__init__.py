"""Compare policies on the same unseen worlds: `python evaluate.py`."""
