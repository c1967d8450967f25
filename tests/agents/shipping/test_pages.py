from __future__ import annotations

import re

from thinmargin_agents.config.algorithms import ALGORITHMS


def test_every_algorithm_is_described_in_three_sentences_with_its_source() -> None:
    for text in (algorithm.about for algorithm in ALGORITHMS.values()):
        assert re.search(r"\(\w+ (et al\.|and \w+) \d{4}\)", text)
        assert len(re.findall(r"[.](?: |$)", re.sub(r"et al\.", "et al", text))) == 3
