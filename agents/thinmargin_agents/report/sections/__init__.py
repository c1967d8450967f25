"""The sections of the report, each from the results to its tables and pictures."""
