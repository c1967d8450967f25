"""A model that Stable-Baselines3 or rl-zoo3 saved, as a run folder: nothing in its zip is executed.

| module | subject |
| --- | --- |
| `command` | the command line |
| `archive` | the zip: its tensors, and the settings that it tells in plain JSON |
| `values` | a value of these settings, and what it is in words |
| `agreement` | whether the model plays as the flags describe it |
| `training` | settings of its training: compared, taken over, or named as left |
| `fitting` | the flags that would fit, for the message that others do not |
| `origin` | which algorithm and which classes the zip names |
| `pickled` | numbers inside a pickle that is not unpickled |
"""

from __future__ import annotations

from thinmargin_agents.import_sb3.command import main

__all__ = ["main"]
