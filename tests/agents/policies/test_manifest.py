"""A manifest from somebody else names files of its own folder only."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from thinmargin_agents.policies.manifest import MANIFEST, ShippedError, checked_content, digest, read_manifest
from thinmargin_agents.policies.shipped import FOLDER, trained_names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of an agent, to be changed."""
    name = trained_names()[0]
    return Path(shutil.copytree(FOLDER / name, tmp_path / name))


def renamed(folder: Path, file: object) -> None:
    """Let the manifest name another file for its first seed, with a digest that fits."""
    content = json.loads((folder / MANIFEST).read_text("utf-8"))
    content["seeds"][0]["file"] = file
    del content["digest"]
    (folder / MANIFEST).write_text(json.dumps({**content, "digest": digest(content)}), encoding="utf-8")


@pytest.mark.parametrize(
    "file", ["../other/seed_0.safetensors", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "C:x", "a\n", "a\x00b", ["a"]]
)
def test_a_file_that_leads_out_of_the_folder_is_refused(file: object, folder: Path) -> None:
    assert read_manifest(folder).name == folder.name
    renamed(folder, file)
    with pytest.raises(ShippedError) as refused:
        read_manifest(folder)
    assert str(folder / MANIFEST) in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    seed = read_manifest(folder).seeds[0]
    file = folder / seed.file
    assert checked_content(file, seed.sha256)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ShippedError, match="link"):
        checked_content(file, seed.sha256)


def test_a_folder_in_the_place_of_a_file_is_told(folder: Path) -> None:
    seed = read_manifest(folder).seeds[0]
    (folder / seed.file).unlink()
    (folder / seed.file).mkdir()
    with pytest.raises(ShippedError, match="it is a folder, not a file"):
        checked_content(folder / seed.file, seed.sha256)
