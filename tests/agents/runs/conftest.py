"""Fixtures of several files about run folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tiny_training import FLAGS, NAMES

from thinmargin_agents.config.preset import resolve
from thinmargin_agents.config.train_config import TrainConfig
from thinmargin_agents.runs.folder import RunFolder
from thinmargin_agents.training import trainer
from thinmargin_agents.training.trainer import train


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = RunFolder.create(tmp_path_factory.mktemp("logs"), resolve(TrainConfig(**FLAGS, hyperparams=NAMES)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "FINAL_WORLDS", 2)
        patch.setattr(trainer, "can_draw", lambda: False)
        train(folder.run(), folder, shown=False)
    return folder.path
