"""From a run folder, or the name of a shipped agent, to the content of an ONNX file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import thinmargin
from thinmargin.files import is_folder, read_bytes, write_atomically
from thinmargin.settings import Settings
from thinmargin.shown import quoted, shown
from thinmargin_agents.config.run import Run
from thinmargin_agents.export.file import Agreement, compare, to_onnx
from thinmargin_agents.export.graph import Graph
from thinmargin_agents.export.torch_modules import ExportError
from thinmargin_agents.policies import shipped
from thinmargin_agents.policies.by_name import which_model
from thinmargin_agents.policies.manifest import MANIFEST
from thinmargin_agents.runs.file_names import CONFIG, Which
from thinmargin_agents.runs.folder import RunFolder, load_policy
from thinmargin_agents.sb3.building import adapters_for, environment_arguments


@dataclass(frozen=True)
class Source:
    """A trained policy with its run, the facts for the metadata of the file, and the default path of the file."""

    run: Run
    policy: Any
    facts: dict[str, str]
    output: Path


@dataclass(frozen=True)
class Exported:
    """A file that is not written yet, its default path, and its agreement with the policy."""

    content: bytes
    output: Path
    agreement: Agreement

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; raises OSError if it cannot be written."""
        write_atomically(path, self.content)


def exported(name: str, which: Which | None = None) -> Exported:
    """A trained policy as an ONNX file.

    Args:
        name: run folder, or NAME or NAME:SEED of a shipped agent.
        which: of a run the best policy or the latest; the best one there is if not given.

    Raises:
        RunError, ShippedError: the run or agent is damaged or foreign.
        ExportError: there is no such run or agent, or the policy cannot be a graph.
        PolicyError: the policy cannot play.
    """
    source = source_of(name, which)
    run = source.run
    graph = Graph(run.algo, source.policy.policy, adapters_for(run))
    facts = {
        "thinmargin": thinmargin.__version__,
        "environment": run.env_id,
        "environment_arguments": json.dumps(run.env_kwargs),
        "algorithm": run.algo,
        "seed": str(run.seed),
        **source.facts,
    }
    content = to_onnx(graph, facts)
    settings = Settings(**environment_arguments(run))
    return Exported(content, source.output, compare(content, graph, source.policy, settings))


def source_of(name: str, which: Which | None) -> Source:
    """The trained policy that a name on the command line means; the same errors as `exported`."""
    agent, _, seed = name.partition(":")
    if agent in shipped.trained_names():
        return _shipped(agent, seed, which)
    folder = Path(name)
    if not name or not is_folder(folder):
        known = ", ".join(shipped.trained_names()) or "none"
        raise ExportError(
            f"RUN is {quoted(name)}: it must be a run folder, such as logs/ppo/Ecosystem-v1_1, or the name of a shipped"
            f" agent ({known})"
        )
    run = RunFolder.open(folder).run()
    which = which or which_model(folder)
    digest = hashlib.sha256(read_bytes(folder / CONFIG)).hexdigest()
    facts = {"policy": which, "config_sha256": digest}
    return Source(run, load_policy(folder, which), facts, folder / f"{which}.onnx")


def _shipped(name: str, seed: str, which: Which | None) -> Source:
    if which is not None:
        raise ExportError(f"--which is {shown(which)}: {name} is a shipped agent, which has one policy a seed")
    manifest = shipped.manifest_of(name)
    shipped.check_version(manifest)
    seeds = {str(one.seed): one for one in manifest.seeds}
    if seed and seed not in seeds:
        raise ExportError(
            f"RUN is {quoted(f'{name}:{seed}')}: allowed are {', '.join(f'{name}:{one}' for one in seeds)}"
        )
    one = seeds[seed] if seed else manifest.seeds[0]
    digest = hashlib.sha256((shipped.FOLDER / name / MANIFEST).read_bytes()).hexdigest()
    facts = {"policy": f"{name}:{one.seed}", "manifest_sha256": digest}
    return Source(manifest.run(one.seed), shipped.agent(name, one.seed), facts, Path(f"{name}_{one.seed}.onnx"))
