"""Learning to run the firm, and judging who runs it well."""
