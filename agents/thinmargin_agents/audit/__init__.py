"""The exploit audit: is money earned by running the firm, or by a hole in the model? Checks with bounds, one a room."""
