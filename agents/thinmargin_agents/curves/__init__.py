"""Learning curves of the shipped agents: `python -m thinmargin_agents.curves`.

| module | subject |
| --- | --- |
| `learning_curve` | the numbers of a curve: mean over training seeds and its band |
| `picture` | the pictures, and the digest that tells whether they show these numbers |
"""
