"""Mutation figures: what share of small faults, put into the code one at a time, the tests notice."""
