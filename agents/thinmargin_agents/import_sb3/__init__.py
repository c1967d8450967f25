"""A model that Stable-Baselines3 or rl-zoo3 saved, as a run folder: nothing in its zip is executed.

| module | subject |
| --- | --- |
| `command` | the command line |
| `archive` | the zip: its tensors, and the settings that it tells in plain JSON |
| `agreement` | whether these settings are those that the flags describe |
| `origin` | which algorithm and which classes the zip names |
| `pickled` | numbers inside a pickle that is not unpickled |
"""

from __future__ import annotations

from thinmargin_agents.import_sb3.command import main

__all__ = ["main"]
