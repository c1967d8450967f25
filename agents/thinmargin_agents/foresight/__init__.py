"""The best plan known for each world given its future: a measure for any policy, not a bound."""
