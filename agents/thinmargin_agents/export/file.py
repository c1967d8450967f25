"""The ONNX file: made, described, and checked against the policy it was made from."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it ships no types
import torch

from thinmargin.baselines import Policy
from thinmargin.records import FEATURES, LEVERS
from thinmargin.settings import Settings, observation_space
from thinmargin.splits import keys_of
from thinmargin_agents.export.graph import Graph
from thinmargin_agents.play.rollout import play_worlds

OPSET = 17
"""Version of the operators: readers of 2022 and later know them."""
TOLERANCE = 1e-5
"""Most that an action of the file may differ from the policy's."""
WORLDS = 16
"""Validation worlds that are played to compare them."""
END_MONTHS, RANDOM_ENDS = 4, 32
"""Months at the ends of the ranges, and firms whose ends are drawn."""
EXPECTED: tuple[tuple[str, type[Warning]], ...] = (
    # torch's newer exporter needs one more package; of the older one torch warns that it will be removed.
    ("You are using the legacy TorchScript-based ONNX export", DeprecationWarning),
    ("The feature will be removed", DeprecationWarning),
    # An LSTM checks the shapes of what it is given; and its states are inputs here, as the second one recommends.
    ("Converting a tensor to a Python boolean", torch.jit.TracerWarning),  # type: ignore[attr-defined]  # it is there
    ("Exporting a model to ONNX with a batch_size other than 1", UserWarning),
)
"""Expected warnings of torch."""

Array = npt.NDArray[Any]


def to_onnx(graph: Graph, facts: Mapping[str, str]) -> bytes:
    """The content of the file: the graph for any number of firms, described by its ends and `facts` in the metadata."""
    axes = {name: {1 if name.startswith(("hidden", "cell")) else 0: "n"} for name in (*graph.inputs, *graph.outputs)}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        for message, category in EXPECTED:
            warnings.filterwarnings("ignore", message, category)
        made = Path(folder, "graph.onnx")
        torch.onnx.export(
            graph, graph.examples(), made, input_names=list(graph.inputs), output_names=list(graph.outputs),
            dynamic_axes=axes, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
        model = onnx.load(made)
    about = {
        "features": json.dumps([feature.name for feature in FEATURES]),
        "levers": json.dumps([lever.name for lever in LEVERS]),
        "inputs": json.dumps(graph.inputs),
        "outputs": json.dumps(graph.outputs),
        **facts,
    }
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    answer: bytes = model.SerializeToString()
    return answer


@dataclass(frozen=True)
class Agreement:
    """Agreement of a file's answers with its policy's: months compared, and the largest difference of an action.

    Months are those of worlds that are played, and made ones in which every observation is at an end of its range.

    Where an agent chooses by number, a choice that is not the policy's differs by how much lower its score is, as a
    share of the highest score (or of 1, if that is less): between equal scores either choice is right.
    """

    months: int
    difference: float

    @property
    def is_close(self) -> bool:
        """Whether the file may be used."""
        return self.difference <= TOLERANCE

    @property
    def in_words(self) -> str:
        """One line."""
        return (
            f"onnxruntime beside predict, {self.months:,} months of validation worlds and at the ends of the"
            f" observations: largest difference {self.difference:.1e}, allowed {TOLERANCE:.0e}"
        )


def compare(content: bytes, graph: Graph, policy: Policy, settings: Settings, worlds: int = WORLDS) -> Agreement:
    """Play validation worlds with `policy` and compare the file's answers with it, month by month; then at the ends.

    Args:
        content: of the file.
        graph: from which the file was made.
        policy: that the file must agree with.
        settings: of the environment.
        worlds: how many.
    """
    both = _Both(content, graph, policy)
    keys = keys_of("validation")[:worlds]
    play_worlds(
        both, list(keys), worlds=settings.worlds, horizon=settings.horizon, closing=settings.closing,
        discrete=settings.discrete, name="the policy",
    )  # fmt: skip
    state = None
    for month, seen in enumerate(end_months()):
        _, state = both.predict(seen, state, np.full(len(seen), month == 0))
    return Agreement(both.months, both.difference)


def end_months() -> npt.NDArray[np.float32]:
    """Months in which observations are at the ends of their ranges, shape (END_MONTHS, firms, 32).

    All at the lower or the upper end, one of them at an end and the others between, and ends drawn at random; from
    month to month every firm sees what another one saw, so that changes reach the ends of theirs.
    """
    space = observation_space()
    ends = np.stack([space.low, space.high])
    middle = ends.mean(axis=0, dtype=np.float32)
    single = np.repeat(middle[None], 2 * len(middle), axis=0)
    places = np.arange(len(middle))
    for end in (0, 1):
        single[2 * places + end, places] = ends[end]
    drawn = np.random.default_rng(0).integers(2, size=(RANDOM_ENDS, len(middle)))
    firms = np.concatenate([ends, middle[None], single, ends[drawn, places]])
    return np.stack([np.roll(firms, month, axis=0) for month in range(END_MONTHS)])


class _Both:
    """A policy that plays, and its file, which answers the same observations."""

    def __init__(self, content: bytes, graph: Graph, policy: Policy) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # the graph is small: threads would wait for each other
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._graph, self._policy = graph, policy
        self.months, self.difference = 0, 0.0

    def predict(
        self,
        observation: npt.NDArray[np.float32],
        state: Any = None,
        episode_start: npt.NDArray[np.bool_] | None = None,
        deterministic: bool = True,
    ) -> tuple[Array, Any]:
        """The policy's actions for observations of shape (n, 32)."""
        inner, window, memory = (None, None, None) if state is None else state
        actions, inner = self._policy.predict(observation, inner, episode_start, deterministic)
        window = _shifted(window, observation, self._graph.months)
        if memory is None:
            memory = [tensor.numpy() for tensor in self._graph.examples(len(observation))[1:3]]
        inputs = [window if self._graph.months else observation, *memory]
        if memory:
            inputs.append(np.asarray(episode_start, np.float32))
        answers = dict(zip(self._graph.outputs, self._session.run(None, self._named(inputs)), strict=True))
        self._compare(np.asarray(actions), answers, inputs)
        memory = [answers[name] for name in ("hidden_next", "cell_next") if name in answers]
        return actions, (inner, window, memory)

    def _named(self, inputs: Sequence[Array]) -> dict[str, Array]:
        return dict(zip(self._graph.inputs, inputs, strict=True))

    def _compare(self, actions: Array, answers: Mapping[str, Array], inputs: Sequence[Array]) -> None:
        self.months += len(actions)
        apart = np.abs(answers["action"].astype(np.float64) - actions).reshape(len(actions), -1).max(axis=1)
        if self._graph.network.chooses:
            with torch.no_grad():
                scores = self._graph.scores(*map(torch.as_tensor, inputs)).numpy()
            choice = answers.get("choice", answers["action"])
            best = scores.max(axis=1)
            worse = (best - scores[np.arange(len(scores)), choice]) / np.maximum(np.abs(best), 1.0)
            apart = np.where(choice == scores.argmax(axis=1), apart, worse)
        self.difference = max(self.difference, float(np.where(np.isnan(apart), np.inf, apart).max()))


def _shifted(window: Array | None, observation: npt.NDArray[np.float32], months: int) -> Array:
    """Observations of this month and of so many before, shape (n, months + 1, 32)."""
    if window is None:
        return np.repeat(observation[:, None], months + 1, axis=1)
    return np.concatenate([observation[:, None], window[:, :-1]], axis=1)
