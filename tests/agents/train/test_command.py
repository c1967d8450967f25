from __future__ import annotations

from pathlib import Path

import pytest
import torch

from thinmargin_agents.train import main
from thinmargin_agents.training import trainer


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--env", "ThinMargin/Nothing-v1"], ("--env", "ThinMargin/Nothing-v1", "ThinMargin/Ecosystem-v1")),
        (["--env", "ThinMargin/PriceWar-v1"], ("ThinMargin/PriceWar-v1", "held out")),
        (["--env-kwargs", "split=test"], ("split", "test", "train")),
        (["--env-kwargs", "worlds=price_war"], ("held out",)),
        (["--env-kwargs", "horizn=3"], ("--env-kwargs has 'horizn'", "horizon", "closing")),
        (["--n-trials", "3"], ("--n-trials is 3", "--optimize")),
        (["--study-name", "mine"], ("--study-name is 'mine'", "--optimize")),
        (["--env-kwargs", "horizon=0"], ("horizon", "0")),
        (["--preset", "no/such/file.yaml"], ("--preset", "no/such/file.yaml")),
        (["--eval-freq", "0"], ("--eval-freq", "0")),
        (["--resume", "no/such/run"], ("no/such/run",)),
        (["--resume", "run", "--seed", "3"], ("--seed with --resume", "own settings", "--total-timesteps")),
        (["--resume", "run", "--log-folder", "elsewhere"], ("--log-folder with --resume", "own settings")),
        (["--resume", "run", "--seed", "0"], ("--seed with --resume", "own settings")),
        (["--resume", "run", "--n_envs=4", "-tb", "x"], ("--n-envs", "--tensorboard-log", "own settings")),
        (["--resume", "run", "--n-jobs", "2"], ("--n-jobs with --resume", "several runs")),
        (["--resume", "run", "--total-timesteps", "0"], ("--total-timesteps is 0",)),
        (["--optimize", "--study-name", ""], ("--study-name is ''",)),
        (["--study-name", ""], ("--study-name is ''",)),
        (["--env", "CartPole-v1"], ("--env", "CartPole-v1", "ThinMargin/Ecosystem-v1")),
        (["--env-kwargs", 'parameters={"ticket": 50}'], ("parameters",)),
        (["--hyperparams", "batch_size=1"], ("batch_size", "from 2")),
        (["--hyperparams", "n_steps=1", "paired_worlds=1", "--n-envs", "1"], ("n_steps x n_envs is 1", "at least 2")),
        (["--hyperparams", "n_steps=100"], ("n_steps is 100", "paired_worlds", "180 months")),
        (["--hyperparams", "policy=MlpLstmPolicy"], ("policy", "MlpLstmPolicy", "ppo has MlpPolicy")),
        (["--hyperparams", 'policy_kwargs.net_arch={"pi": [8], "qf": [8]}'], ("net_arch", "pi and vf")),
        (["--hyperparams", 'env_wrapper="os.system"'], ("env_wrapper", "os.system", "thinmargin.wrappers.Residual")),
        (["--n-envs", "12"], ("n_envs", "12", "multiple of paired_worlds")),
        (["--residual", "nothing"], ("base", "nothing", "plan")),
        (["--residual-bound", "5"], ("bound", "5")),
        (["--residual", "none", "--residual-bound", "1"], ("--residual-bound", "--residual none")),
        (["--history", "-3"], ("lags", "-3", "1 to 180")),
        (["--algo", "a3c"], ("a3c", "ppo_lstm")),
        (["--algo", "dqn", "--hyperparams", "env_wrapper=null"], ("dqn", "Discrete")),
        (["--algo", "sac", "--env", "ThinMargin/EcosystemDiscrete-v1", "--residual", "none"], ("sac", "Box")),
        (["--n-eval-episodes", "2000000"], ("--n-eval-episodes", "2000000")),
        (["--device", "cuda"], ("--device", "no GPU")),
    ],
)
def test_a_bad_argument_ends_with_status_2_and_makes_no_folder(
    arguments: list[str],
    words: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trainer, "train", lambda *_, **__: pytest.fail("it trains"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    try:
        logs = [] if "--resume" in arguments else ["--log-folder", str(tmp_path / "logs")]
        status: object = main([*arguments, *logs])
    except SystemExit as end:  # refused while the command line was read
        status = end.code
    assert status == 2
    printed = capsys.readouterr()
    text = printed.err + printed.out
    for word in words:
        assert word in text
    assert not (tmp_path / "logs").exists()
