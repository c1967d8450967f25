"""Statistics of what policies earned: scores, intervals, comparisons."""
