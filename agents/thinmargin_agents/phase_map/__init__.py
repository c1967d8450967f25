"""When the thin margin wins: best constant levers over a map of worlds, `python -m thinmargin_agents.phase_map`.

| module | subject |
| --- | --- |
| `cells` | the places of a map, the ranges of markup compared, the results of a cell |
| `assumptions` | judgements behind the model, made otherwise |
| `search` | the best constant levers of one cell |
| `shipped` | policies that ship, under an assumption |
| `boundary` | where thin and premium tie, between the cells |
| `hidden` | where the benchmark's hidden worlds lie on the map, and who wins in some of them |
| `results` | maps, hidden worlds and judgements together, under every closing rule |
| `answer` | the answer in sentences made of what was found |
| `judgements` | tables of the judgements |
| `table` | the result as text and Markdown |
| `document` | the result as JSON |
| `picture` | the result as a picture |
"""
