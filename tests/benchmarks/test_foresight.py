from __future__ import annotations

import sys

import pytest
from benchmarks import foresight
from tests.messages import lacks

from thinmargin.splits import KEYS


def test_both_searches_are_measured_and_the_second_finds_no_less() -> None:
    found = foresight.searched(KEYS["validation"][:2], 32)
    start, first, second = found["J"]
    assert start < first <= second
    assert len(found["seconds"]) == 2
    assert min(found["seconds"]) > 0.0


def test_means_are_of_worlds_and_seconds_are_added() -> None:
    class Told:
        def search(self, first: int, last: int, evaluations: int | None = None) -> foresight.Found:  # noqa: ARG002
            return {"J": [1.0, 2.0, float(last - first)], "seconds": [1.0, 2.0]}

    pair = {"before": Told(), "this": Told()}
    total = foresight.compare(pair, 100, 24)  # type: ignore[arg-type]
    assert total["this"]["J"] == pytest.approx([1.0, 2.0, (16 * 16 + 8 * 8) / 24])
    assert total["this"]["seconds"] == [2.0, 4.0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [([], "--before"), (["--before", "HEAD", "--first", "999999"], "1,000,000 validation worlds")],
)
def test_bad_arguments_are_told(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["foresight", *arguments])
    with pytest.raises(SystemExit) as ended:
        foresight.main()
    assert ended.value.code == 2
    assert not lacks(capsys.readouterr().err, words)
