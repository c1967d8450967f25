"""The best plan known for each world given its future: what any policy can be measured against, never a bound."""
