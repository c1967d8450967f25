"""Learning curves of the shipped agents: `python -m thinmargin_agents.curves`.

| room | subject |
| --- | --- |
| `course` | the numbers of a curve: mean over training seeds and its band |
| `picture` | the pictures, and how one tells whether they show these numbers |
"""
