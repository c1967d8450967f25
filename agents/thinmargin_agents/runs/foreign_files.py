"""Files of other programs that are handed over where weights are expected: named by how they begin."""

from __future__ import annotations

from pathlib import Path

from thinmargin.files import check_regular

ZIP = b"PK\x03\x04"
IMPORT = "python -m thinmargin_agents.import_sb3 takes the weights out of a model that Stable-Baselines3 saved"
KINDS = {
    ZIP: f"a zip archive, as torch.save, NumPy's .npz and Stable-Baselines3 write them: none is unpickled; {IMPORT}",
    b"\x93NUMPY": "an array of NumPy: weights are read from safetensors files only",
    b"\x80": "a pickle: nothing is unpickled, since reading one can run anything; weights are read from safetensors"
    " files only",
    b"\x89HDF": "an HDF5 file: weights are read from safetensors files only",
}
"""What begins with these bytes, in words."""


def foreign_kind(path: Path) -> str | None:
    """In words, what kind of foreign file it is and what helps; None for any other, or one that cannot be read."""
    try:
        check_regular(path)
        with path.open("rb") as file:
            head = file.read(8)
            whole = path.stat().st_size
    except OSError:
        return None
    if len(head) == 8 and int.from_bytes(head, "little") < whole:  # how a safetensors file begins
        return None
    return next((words for start, words in KINDS.items() if head.startswith(start)), None)
