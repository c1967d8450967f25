"""Policies of others: a class in a Python file that its owner names."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from thinmargin.baselines import Policy
from thinmargin.files import check_regular
from thinmargin.shown import listed, quoted, shown
from thinmargin_agents.play.errors import PolicyError, in_words
from thinmargin_agents.play.time_limit import OutOfTime


def load_class(file: Path, class_name: str) -> Policy:
    """Import `file` and make its `class_name` without arguments.

    Modules beside the file are found while it is imported and its class made; afterwards they are
    forgotten, so that modules of the same name of two outsiders do not mix.

    Raises:
        ValueError: there is no such file, no such class in it, or the class has no `predict`.
        PolicyError: the file cannot be imported, or the class not made.
    """
    name = f"{file}:{class_name}"
    try:
        check_regular(file)
    except FileNotFoundError as error:
        raise ValueError(f"policy {quoted(name)}: there is no file {shown(file)}") from error
    except OSError as error:
        raise ValueError(f"policy {quoted(name)}: {shown(file)} cannot be read: {error.strerror}") from error
    module_name = f"policy_file_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file.resolve())
    if spec is None or spec.loader is None:
        raise ValueError(f"policy {quoted(name)}: {shown(file)} is no Python file")
    module = importlib.util.module_from_spec(spec)
    with _importing_from(file.resolve().parent):
        sys.modules[module_name] = module  # dataclasses look their module up there
        try:
            spec.loader.exec_module(module)
        except (KeyboardInterrupt, OutOfTime):
            raise
        except BaseException as error:
            raise PolicyError(f"policy {quoted(name)}: importing the file raised {in_words(error)}") from error
        kind = getattr(module, class_name, None)
        if not isinstance(kind, type):
            classes = [key for key, item in vars(module).items() if isinstance(item, type) and hasattr(item, "predict")]
            raise ValueError(
                f"policy {quoted(name)}: no class {shown(class_name)} in it; with predict are {listed(classes) or '-'}"
            )
        if not callable(getattr(kind, "predict", None)):
            raise ValueError(
                f"policy {quoted(name)}: the class has no predict(observation, state, episode_start, deterministic)"
            )
        try:
            return cast("Policy", kind())
        except (KeyboardInterrupt, OutOfTime):
            raise
        except BaseException as error:
            raise PolicyError(
                f"policy {quoted(name)}: {class_name}() without arguments raised {in_words(error)}"
            ) from error


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Modules in `folder` can be imported inside; those are forgotten then, and the working folder is as before."""
    known, here, path = set(sys.modules), Path.cwd(), list(sys.path)
    sys.path.append(str(folder))
    try:
        yield
    finally:
        os.chdir(here)
        sys.path[:] = path
        for name in set(sys.modules) - known:
            file = Path(getattr(sys.modules[name], "__file__", None) or "-")
            beside = folder / name.partition(".")[0]
            if file == beside.with_suffix(".py") or beside in file.parents:
                del sys.modules[name]
