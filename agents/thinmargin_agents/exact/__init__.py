"""The one small world whose optimum is computed exactly, and the share of it that policies reach."""
