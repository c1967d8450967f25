"""The stages of this package. Bounds are several times what the stage took on two cores."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

import thinmargin
from thinmargin.economics.compiled import source_digest
from thinmargin.versions import current
from thinmargin_agents.cli.errors import UsageError
from thinmargin_agents.policies.manifest import MANIFEST, Manifest, ShippedError
from thinmargin_agents.policies.shipped import manifest_of, trained_names
from thinmargin_agents.remake.stage import Output, Stage, Table, Words
from thinmargin_agents.runs.file_names import CONFIG, EVALUATIONS
from thinmargin_agents.tuning.rules import RULES

ENVS, AGENTS = "envs/thinmargin", "agents/thinmargin_agents"
ENVIRONMENT = Path(str(thinmargin.__file__)).parent
"""The package of the environment, as Python imports it."""
CALIBRATION = f"{ENVS}/data/calibration.json"
TUNED = f"{ENVS}/data/tuned"
QUESTION = "docs/question.md"
CHECKOUT = ("docs/tables.py", "README.md", "evaluate.py", "train.py", QUESTION)
"""Files by which a checkout is known."""
PLAYED = ("baselines", "batch", "families", "history", "plans", "scenarios", "settings", "splits")
"""Modules that decide what is played and are not compiled: `source_digest` leaves them out."""
BOUNDS = {"plan": 3600.0, "plan_with_feedback": 3600.0, "bang_bang": 300.0}
"""Seconds of the tuned rules; of the others 1200."""
SLOWER = 4.0
"""An agent may take so many times the seconds of all its seeds one after the other."""


def checkout_here() -> Path:
    """The top of the checkout, which must be the working folder; anything else is a UsageError."""
    here = Path.cwd()
    missing = [name for name in CHECKOUT if not (here / name).is_file()]
    if missing:
        raise UsageError(f"{here} has no {missing[0]}: run it at the top of a clone, whose pages it writes")
    for found, folder in ((ENVIRONMENT, ENVS), (Path(__file__).parents[1], AGENTS)):
        if found.resolve() != (here / folder).resolve():
            raise UsageError(
                f"Python imports {found.name} from {found}, and here is {here}: install this checkout with"
                " pip install -e ., or run it in the other one"
            )
    return here


def equations() -> str:
    """Digest of the equations, and of what decides which of them are played."""
    digest = hashlib.sha256(source_digest().encode())
    for name in PLAYED:
        digest.update((ENVIRONMENT / f"{name}.py").read_bytes())
    return digest.hexdigest()


def shipped_table(folder: Path) -> Table:
    """All stages of this package in this checkout.

    Args:
        folder: of the command: runs are trained in it.

    Raises:
        UsageError: the working folder is no checkout, or the manifest of an agent cannot be read.
    """
    root = checkout_here()
    rules, agents = sorted(RULES), trained_names()
    try:
        made = [_agent(manifest_of(name), folder) for name in agents]
    except ShippedError as error:
        raise UsageError(str(error)) from error
    return Table(
        root,
        (*_fitted(), *(_rule(root, name) for name in rules), *_studies(), *made, *_results(agents)),
        equations,
    )


def _module(name: str, *words: str) -> Words:
    return ("python", "-m", name, *words)


def _room(name: str) -> str:
    return f"{AGENTS}/{name}"


def _fitted() -> tuple[Stage, ...]:
    return (
        Stage(
            "calibration", "the constants that are fitted to reported figures",
            (_module("thinmargin.calibration", "--output", CALIBRATION),),
            reads=(f"{ENVS}/data/figures.csv", f"{ENVS}/calibration"), outputs=(Output(CALIBRATION),), bound=900.0,
        ),
        Stage(
            "backtest", "the picture of the back-test",
            (_module("thinmargin.backtest", "--picture", "docs/images/backtest.png"),),
            needs=("calibration",), reads=(f"{ENVS}/data/figures.csv", f"{ENVS}/backtest"),
            outputs=(Output("docs/images/backtest.png"),), bound=300.0,
        ),
    )  # fmt: skip


def _rule(root: Path, name: str) -> Stage:
    """A tuned rule; those after `plan` may be built on it."""
    path = f"{TUNED}/{name}.json"
    return Stage(
        f"tune.{name}", f"the tuned rule {name}", ((*_tuning_command(root / path, name), "--output", path),),
        needs=("calibration", "tune.plan") if name.startswith("plan_") else ("calibration",),
        reads=(_room("tuning"),), outputs=(Output(path),), bound=BOUNDS.get(name, 1200.0),
    )  # fmt: skip


def _tuning_command(path: Path, name: str) -> Words:
    """The command that the file of a rule names, or the plain one where there is none."""
    plain = _module("thinmargin_agents.tuning", name)
    try:
        words = tuple(shlex.split(json.loads(path.read_text("utf-8"))["made"]["command"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return plain
    return words if words[: len(plain)] == plain else plain


def _tuned() -> tuple[str, ...]:
    return tuple(f"tune.{name}" for name in sorted(RULES))


def _studies() -> tuple[Stage, ...]:
    """Best known plans, the pages about the model, the world whose optimum is known."""
    statistics = _room("scoring/statistics.py")
    return (
        *(
            Stage(
                f"foresight.{split}", f"the best plans known of the {split} worlds",
                (_module("thinmargin_agents.foresight", "--split", split, "--n-worlds", worlds, "--fresh"),),
                needs=("calibration", *_tuned()),
                reads=(_room("foresight/search.py"), _room("foresight/improvement.py")),
                outputs=(Output(_room(f"foresight/plans/benchmark_{split}.npz")),), bound=bound,
            )
            for split, worlds, bound in (("validation", "256", 3600.0), ("test", "512", 7200.0))
        ),
        Stage(
            "years", "the years of docs/question.md",
            (_module("thinmargin_agents.years", "--picture", "docs/images/years.png", "--markdown", QUESTION),),
            needs=("calibration", *_tuned()), reads=(_room("years"), f"{ENVS}/data/figures.csv"),
            outputs=(Output("docs/images/years.png"), Output(QUESTION, "years")), bound=300.0,
        ),
        Stage(
            "audit", "the findings of docs/audit.md",
            (_module("thinmargin_agents.audit", "--markdown", "docs/audit.md"),),
            needs=("calibration", *_tuned()), reads=(_room("audit"), _room("tuning/search.py"), statistics),
            outputs=(Output("docs/audit.md", "audit"),), bound=7200.0,
        ),
        Stage(
            "mechanisms", "the table of docs/mechanisms.md",
            (_module("thinmargin_agents.mechanisms", "--markdown", "docs/mechanisms.md"),),
            needs=("calibration", *_tuned()), reads=(_room("mechanisms"), _room("tuning"), statistics),
            outputs=(Output("docs/mechanisms.md", "mechanisms"),), bound=5400.0,
        ),
        Stage(
            "exact", "the tables of docs/exact.md",
            (_module("thinmargin_agents.exact", "--ppo", "--markdown", "docs/exact.md"),),
            needs=("calibration",), reads=(_room("exact"), _room("config/presets/ppo.yml")),
            outputs=(Output("docs/exact.md", "exact"),), bound=1800.0,
        ),
    )  # fmt: skip


def _agent(manifest: Manifest, folder: Path) -> Stage:
    """A shipped agent: trained as its manifest says, then shipped again."""
    logs = f"{folder}/runs/{manifest.name}"
    world = current(manifest.env_id).rpartition("/")[2]
    runs = tuple(f"{logs}/{manifest.algo}/{world}_{number + 1}" for number in range(len(manifest.seeds)))
    train = (*shlex.split(manifest.command_now), "--log-folder", logs, "--no-progress")
    files = (MANIFEST, EVALUATIONS, *(one.file for one in manifest.seeds))
    preset = manifest.algo if manifest.preset == "default" else manifest.preset

    def resumed(root: Path) -> Words | None:
        """Every run goes on, if the folders of all were made."""
        whole = all((root / run / CONFIG).is_file() for run in runs)
        return ("python", "train.py", "--resume", *runs, "--no-progress") if whole else None

    return Stage(
        f"agent.{manifest.name}", f"the shipped agent {manifest.name}, {len(runs)} training seeds",
        (train, _module("thinmargin_agents.shipping", manifest.name, *runs, "--meaning", manifest.meaning)),
        needs=("calibration", *_tuned(), "foresight.validation"),
        reads=(_room(f"config/presets/{preset}.yml"), f"{ENVS}/wrappers"),
        outputs=tuple(Output(_room(f"policies/trained/{manifest.name}/{file}")) for file in files),
        bound=600.0 + SLOWER * sum(one.seconds for one in manifest.seeds), scratch=logs, resumed=resumed,
    )  # fmt: skip


def _results(agents: list[str]) -> tuple[Stage, ...]:
    """What all agents appear in; no run of the user's own is judged with what is `shipped`."""
    shipped = tuple(f"agent.{name}" for name in agents)
    pictures = [f"docs/algorithms/{name}.png" for name in (*agents, "all")] if agents else []
    return (
        Stage(
            "curves", "the learning curves of docs/algorithms", (_module("thinmargin_agents.curves"),),
            needs=shipped, reads=(_room("curves"),), outputs=tuple(map(Output, pictures)), bound=600.0,
        ),
        Stage(
            "phase_map", "the answer, the maps and the judgements of docs/question.md",
            (_module("thinmargin_agents.phase_map", "--picture", "docs/images/phase_map.png", "--markdown", QUESTION),),
            needs=("calibration", *_tuned(), *(name for name in shipped if name == "agent.ppo")),
            reads=(_room("phase_map"), _room("scoring/closing_rules.py"), _room("scoring/statistics.py")),
            outputs=(
                Output("docs/images/phase_map.png"),
                *(Output(QUESTION, place) for place in ("phase map", "answer", "judgements")),
            ),
            bound=5400.0,
        ),
        Stage(
            "evaluation", "the results of README.md and docs/benchmark.md",
            ((
                "python", "evaluate.py", "shipped", "--split", "test", "--n-worlds", "512",
                "--markdown", "docs/benchmark.md", "README.md",
            ),),
            needs=("calibration", *_tuned(), "foresight.test", *shipped),
            reads=(_room("evaluate"), _room("scoring"), _room("judging")),
            outputs=(
                *(
                    Output(page, place)
                    for page in ("README.md", "docs/benchmark.md")
                    for place in ("results", "closing rules")
                ),
                Output("docs/benchmark.md", "stress"),
            ),
            bound=3600.0,
        ),
        Stage("tables", "the generated tables of every page", (("python", "docs/tables.py"),), always=True),
    )  # fmt: skip
