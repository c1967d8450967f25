"""What policies do year by year, beside what the firm reported: `python -m thinmargin_agents.years`.

| room | subject |
| --- | --- |
| `courses` | the quantities followed, of policies and as reported |
| `table` | the result as text, Markdown and JSON |
| `picture` | the result as small multiples |
"""
