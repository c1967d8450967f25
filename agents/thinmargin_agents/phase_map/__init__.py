"""When the thin margin wins: best constant levers over a map of worlds, `python -m thinmargin_agents.phase_map`.

| module | subject |
| --- | --- |
| `cells` | the places of a map, the ranges of markup compared, the results of a cell |
| `search` | the best constant levers of one cell |
| `processes` | many cells at a time |
| `boundary` | where thin and premium tie, between the cells |
| `hidden` | where the benchmark's hidden worlds lie on the map, and who wins in some of them |
| `results` | both maps and the hidden worlds together |
| `table` | the result as text, Markdown and JSON |
| `picture` | the result as a picture |
"""
