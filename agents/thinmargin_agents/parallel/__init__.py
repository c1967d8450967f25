"""Several seeds, each a run of its own: in processes of this machine, or as tasks of a Ray cluster.

`seeds` has the commands, `processes` and `ray_tasks` are the two engines, `ray_session` connects to the cluster, and
`jobs` trains one seed in one process; `progress` shows all seeds, `stop_signals` handles Ctrl-C for all of them.
"""

from thinmargin_agents.parallel.seeds import resume_runs, train_seeds

__all__ = ["resume_runs", "train_seeds"]
