"""Several seeds, each a run of its own: in processes of this machine, or as tasks of a Ray cluster.

`seeds` is the command, `processes` and `tasks` are the two engines, and `jobs` is what one process does with one seed;
`board` shows them all, `stopping` is Ctrl-C for all of them.
"""

from thinmargin_agents.parallel.seeds import train_seeds

__all__ = ["train_seeds"]
