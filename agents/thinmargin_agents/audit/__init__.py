"""The exploit audit: bounded checks that money is earned by running the firm, not by a hole in the model."""
