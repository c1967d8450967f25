"""From finished runs to an agent that the package ships: `python -m thinmargin_agents.shipping NAME RUN ...`.

| module | subject |
| --- | --- |
| `finished_run` | runs that are finished and differ in nothing but their seed |
| `shipment` | the content of the agent's folder, and writing it |
| `pages` | the agent's page of the documentation |
"""
