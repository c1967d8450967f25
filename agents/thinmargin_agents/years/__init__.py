"""Policies year by year beside the figures that the firm reported: `python -m thinmargin_agents.years`.

| module | subject |
| --- | --- |
| `quantities` | the quantities followed, of policies and as reported |
| `table` | the result as text, Markdown and JSON |
| `picture` | the result as small multiples |
"""
