"""The package as it is installed from a wheel: in an empty folder, without the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from thinmargin.commands import COMMANDS

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Installed:
    """A folder of packages made from the wheel, and an empty one to work in."""

    site: Path
    folder: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a console script of the wheel; its libraries are those of the tests, its code is the wheel's."""
        surroundings = {**os.environ, "PYTHONPATH": str(self.site), "PYTHONSAFEPATH": "1", "COLUMNS": "200"}
        return subprocess.run(  # noqa: S603  # scripts of our own wheel
            [sys.executable, self.site / "bin" / words[0], *words[1:]],
            cwd=self.folder, env=surroundings, capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    place = tmp_path_factory.mktemp("wheel")
    source = place / "source"  # a build writes into its tree
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("envs", "agents"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    for words in (
        ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", place, source],
        ["install", "--no-deps", "--no-index", "--target", place / "site", "--find-links", place, "thinmargin"],
    ):
        subprocess.run([*pip, *words], check=True)  # noqa: S603  # of our own tree
    folder = place / "empty"
    folder.mkdir()
    return Installed(place / "site", folder)


def test_what_is_run_is_the_wheel_and_it_holds_the_data_that_code_reads(installed: Installed) -> None:
    (wheel,) = installed.site.parent.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for package in ("envs/thinmargin", "agents/thinmargin_agents"):
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert path.relative_to((ROOT / package).parent).as_posix() in names
    where = subprocess.run(
        [sys.executable, "-c", "import thinmargin, thinmargin_agents as a; print(thinmargin.__file__, a.__file__)"],
        cwd=installed.folder, env={**os.environ, "PYTHONPATH": str(installed.site)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert all(Path(file).is_relative_to(installed.site) for file in where.stdout.split())


def test_thinmargin_lists_every_command(installed: Installed) -> None:
    done = installed.run("thinmargin")
    assert (done.returncode, done.stderr) == (0, "")
    for name, command in COMMANDS.items():
        assert name in done.stdout
        assert command.sentence in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, installed: Installed) -> None:
    done = installed.run("thinmargin", name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage:" in done.stdout


@pytest.mark.parametrize("name", [name for name, command in COMMANDS.items() if command.needs_clone])
def test_what_needs_a_clone_says_so(name: str, installed: Installed) -> None:
    done = installed.run("thinmargin", name)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "clone" in done.stderr


def test_an_agent_is_trained_resumed_and_judged_and_the_printed_commands_work(installed: Installed) -> None:
    trained = installed.run(
        "thinmargin-train", "--total-timesteps", "480", "--n-envs", "4", "--eval-freq", "240", "--n-eval-episodes", "2",
        "--no-progress", "--env-kwargs", "horizon=12", "--hyperparams", "n_steps=12", "batch_size=24", "n_epochs=1",
        "policy_kwargs.net_arch=[8]", "paired_worlds=1",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    run = Path("logs") / "ppo" / "Ecosystem-v1_1"
    assert (installed.folder / run / "config.json").exists()
    (line,) = [line for line in trained.stdout.splitlines() if line.startswith("next: ")]
    assert line.startswith(f"next: thinmargin-evaluate {run}")

    judged = installed.run("thinmargin-evaluate", str(run), "low_margin_tuned", "--n-worlds", "2", "--no-stress")
    assert judged.returncode == 0, judged.stderr
    assert "low_margin_tuned" in judged.stdout
    assert not [path for path in installed.folder.iterdir() if path.name != "logs"]
