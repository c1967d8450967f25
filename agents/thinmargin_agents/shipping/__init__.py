"""From finished runs to an agent that the package ships: `python -m thinmargin_agents.shipping NAME RUN ...`.

| room | subject |
| --- | --- |
| `finished` | runs that are finished and differ in nothing but their seed |
| `commands` | the command line that trains them again |
| `making` | what the agent's folder holds, and writing it |
| `pages` | the agent's page of the documentation |
"""
