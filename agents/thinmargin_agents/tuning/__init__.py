"""Finds the numbers of the rules and plans that the package ships, on validation worlds only."""
