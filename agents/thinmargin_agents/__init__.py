"""Training, judging and studying policies for the environments of `thinmargin`: a map of its folders.

A folder imports from folders below it in this table and from none above; `tests/agents/test_layers.py` says exactly
which, and `python tests/import_graph.py` prints the graph. Start with `play`, then `judging`, then `training`.

=============== =====================================================================================================
folder or file  what is in it
=============== =====================================================================================================
train           the command line of `train.py`: one run, several seeds, a search, or a run that is resumed
remake          `python -m thinmargin_agents.remake`: everything that hangs on the economics made anew, in order
audit           `python -m thinmargin_agents.audit`: is money earned by running the firm, or by a hole in the model?
search          `train.py --optimize`: a search for hyper-parameters with Optuna, resumable, on many processes
shipping        `python -m thinmargin_agents.shipping`: from finished runs to an agent that the package ships
curves          `python -m thinmargin_agents.curves`: learning curves of the shipped agents
evaluate        the command line of `evaluate.py`: policies, worlds, tables and files of the results
exact           `python -m thinmargin_agents.exact`: a small world whose optimum is computed, and who reaches it
parallel        `train.py --seeds`: several runs side by side, as processes of this machine or on a Ray cluster
report          `evaluate.py --html`: the results as one page with pictures
training        one run from its configuration to a trained policy: the trainer and its callbacks
years           `python -m thinmargin_agents.years`: what policies do year by year, beside what the firm reported
judging         where policies are played and compared: the arena, stress worlds, validation while training
phase_map       `python -m thinmargin_agents.phase_map`: when the thin margin wins, over a map of worlds
mechanisms      `python -m thinmargin_agents.mechanisms`: what each mechanism of the model is worth
export          `python -m thinmargin_agents.export`: a policy as an ONNX file
foresight       `python -m thinmargin_agents.foresight`: the best plan known of each world given its future
scoring         the score, intervals, comparisons: pure functions of what policies earned
stock           the earlier name of import_sb3, so that old commands work
import_sb3      `python -m thinmargin_agents.import_sb3`: a model that Stable-Baselines3 saved, as a run folder
policies        from a name on the command line to a policy; the shipped agents and their manifests
runs            the run folder: what is saved, and how it is read again without executing anything
sb3             Stable-Baselines3 here: vector environment, algorithms, networks, the snapshot of a training
monitoring      the curves of TensorBoard: every tag with unit, meaning and value
tuning          `python -m thinmargin_agents.tuning`: the numbers of the rules and plans that are shipped
cli             shared by command lines: checks of flags and files, Markdown pages, console, versions, processes
config          what a run is: the flags of train.py and their checks, algorithms, hyper-parameters, presets
play            one policy through many worlds at once: the roll-out, checks of answers, time limits, the outcome
=============== =====================================================================================================
"""

from importlib.util import find_spec as _find_spec

_NEEDED = ("rich", "safetensors", "stable_baselines3", "torch", "tyro", "yaml")
_MISSING = [name for name in _NEEDED if _find_spec(name) is None]
if _MISSING:
    raise ModuleNotFoundError(
        f"thinmargin_agents needs {', '.join(_MISSING)}: pip install 'thinmargin[agents]'", name=__name__
    )
