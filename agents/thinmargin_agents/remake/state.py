"""The file that remembers which stages have been made, of what, and how long they took."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from thinmargin.files import DamagedFileError, read_text, write_atomically
from thinmargin.plain_json import read_json_text
from thinmargin.shown import listed, shown
from thinmargin_agents.remake.stage import MISSING, Stage, Table, Words

FORMAT = "thinmargin-remake-1"
Status = Literal["done", "begun", "failed", "over its bound", "interrupted"]
"""How a stage ended; one that is `begun` was killed, if nobody makes it now."""


@dataclass(frozen=True)
class Record:
    """The last try of a stage.

    Attributes:
        status: how it ended.
        parts: digests of what it depended on when it began.
        outputs: digests of what it made.
        seconds: it took, with those of earlier tries that it went on from.
        ended: when, or when it began, in UTC.
    """

    status: Status
    parts: Mapping[str, str]
    outputs: Mapping[str, str]
    seconds: float
    ended: str


@dataclass
class State:
    """The records by name of the stage, and their file."""

    path: Path
    records: dict[str, Record] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> State:
        """The state of a file, empty if there is none; a damaged or foreign one is a DamagedFileError."""
        if not path.exists():
            return cls(path)
        try:
            content = read_json_text(read_text(path))
            if content["format"] != FORMAT:
                raise ValueError(f"its format is not {FORMAT}")
            return cls(path, {name: _record(item) for name, item in content["stages"].items()})
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedFileError(
                f"{path} is no state of this command: {shown(error)}; delete it to make everything anew"
            ) from error

    def note(self, stage: Stage, record: Record) -> None:
        """Keep a record and write the file; an OSError if that cannot be."""
        self.records[stage.name] = record
        self.write()

    def write(self) -> None:
        """Write the file, whole or not at all."""
        stages = {name: dataclasses.asdict(record) for name, record in self.records.items()}
        write_atomically(self.path, json.dumps({"format": FORMAT, "stages": stages}, indent=1) + "\n")


def _record(item: Any) -> Record:
    record = Record(**item)
    if record.status not in get_args(Status):
        raise ValueError(f"status is {shown(record.status)}: allowed are {', '.join(get_args(Status))}")
    for table in (record.parts, record.outputs):
        if not all(isinstance(text, str) for pair in table.items() for text in pair):
            raise ValueError("a digest is no text")
    return dataclasses.replace(record, seconds=float(record.seconds), ended=str(record.ended))


def reason_to_make(table: Table, state: State, stage: Stage) -> str | None:
    """Why a stage is to be made, in words; None if it is up to date."""
    record = state.records.get(stage.name)
    if record is None:
        return "not made yet"
    if record.status != "done":
        return "killed" if record.status == "begun" else record.status
    changed = changes(record.parts, table.parts(stage))
    if changed:
        return f"changed since: {listed(changed)}"
    made = table.made(stage)
    missing = [name for name, digest in made.items() if digest == MISSING]
    if missing:
        return f"missing: {listed(missing)}"
    other = changes(record.outputs, made)
    if other:
        return f"not as it was made: {listed(other)}"
    return "made in every call" if stage.always else None


class Way(NamedTuple):
    """How a stage would be made now."""

    commands: tuple[Words, ...]
    goes_on: bool
    """Whether they begin from what the last try left; else from the beginning."""


def way_of(table: Table, state: State, stage: Stage) -> Way:
    """The commands of a stage: from what the last try left, if that can be used."""
    resumed = stage.resumed(table.root) if stage.resumed is not None and can_go_on(table, state, stage) else None
    if resumed is None:
        return Way(stage.commands, goes_on=False)
    return Way((resumed, *stage.commands[1:]), goes_on=True)


def can_go_on(table: Table, state: State, stage: Stage) -> bool:
    """Whether the last try did not come to its end and depended on the same things: what it left can be used."""
    record = state.records.get(stage.name)
    return record is not None and record.status != "done" and not changes(record.parts, table.parts(stage))


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names whose digests are not the same in both, or that are in one only."""
    return [name for name in dict.fromkeys([*now, *before]) if before.get(name) != now.get(name)]
