"""Mutation figures: small faults are put into the code one at a time, and the tests must notice.

    python -m benchmarks.mutation [--seed 1] [--count 400] [--group economics ...] [--jobs 1] [--output FILE]

Files and tests are in `plan.py`, operators in `operators.py`; a seed draws the mutants, each group of files its share.
Each mutant lives in a copy of the project in a temporary folder. Mutants that do not compile, or to the same bytecode,
are not drawn. Results go to a file, a line a mutant, from which the same command goes on after Ctrl-C; `--survivors`
tries those again that survived, after a new test. Survivors that no test can kill have their reason in
`harmless.toml`.

Two tools were looked at first. mutmut 3 leaves decorated functions alone, which every equation is: `@mechanism`
compiles it. Cosmic Ray changes them, yet knows one test command for all files, so that every mutant would pay for the
slowest tests, draws nothing by a seed, and does not drop statements or exchange arguments. Here the tests of a file
come first, with the equations as plain Python, in a process that has imported NumPy and Numba already.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import queue
import random
import signal
import sys
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.mutation.operators import OPERATORS, Mutant, changes_code, mutants_of
from benchmarks.mutation.plan import GROUPS, TARGETS
from benchmarks.mutation.trial import ROOT, BaselineError, Trial
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

HARMLESS = Path(__file__).parent / "harmless.toml"


def shares(count: int, groups: Sequence[str]) -> dict[str, int]:
    """How many mutants each group gets, `count` together."""
    whole = sum(GROUPS[group] for group in groups)
    ends = [round(count * sum(GROUPS[group] for group in groups[: k + 1]) / whole) for k in range(len(groups))]
    return {group: end - start for group, start, end in zip(groups, [0, *ends], ends, strict=False)}


def draw(seed: int, count: int, groups: Sequence[str]) -> list[Mutant]:
    """The mutants of a seed: of each group its share, every mutant of its files as likely."""
    drawn = []
    for group, wanted in shares(count, groups).items():
        files = [name for name, target in TARGETS.items() if target.group == group]
        sources = {name: (ROOT / name).read_bytes() for name in files}
        pool = [
            mutant
            for name in files
            for mutant in mutants_of(name, sources[name], functions_only=TARGETS[name].functions_only)
        ]
        random.Random(f"{seed} {group}").shuffle(pool)  # noqa: S311  # nothing secret
        fit: Iterator[Mutant] = (mutant for mutant in pool if changes_code(mutant, sources[mutant.file]))
        drawn += [mutant for mutant, _ in zip(fit, range(wanted), strict=False)]
    return drawn


def digest() -> str:
    """Digest of what is mutated and how: results of another one are not gone on with."""
    files = [*(ROOT / name for name in TARGETS), Path(__file__).parent / "operators.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def arguments_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mutation", description=__doc__, epilog="operators:\n" +
        "\n".join(f"  {name}: {meaning}" for name, meaning in OPERATORS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="draws the mutants (default 1)")
    parser.add_argument("--count", type=int, default=400, help="how many (default 400)")
    parser.add_argument("--group", nargs="+", choices=GROUPS, default=list(GROUPS), help="groups of files (all)")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at the same time (default 1)")
    parser.add_argument("--output", type=Path, help="results (logs/mutation/SEED-COUNT-GROUPS.jsonl)")
    parser.add_argument("--survivors", action="store_true", help="try again those that survived")
    parser.add_argument("--dry-run", action="store_true", help="list the mutants, run nothing")
    arguments = parser.parse_args(words)
    for name in ("count", "jobs"):
        if getattr(arguments, name) < 1:
            parser.error(f"--{name} is {getattr(arguments, name)}: must be at least 1")
    arguments.group = [name for name in GROUPS if name in arguments.group]
    if arguments.output is None:
        groups = "all" if arguments.group == list(GROUPS) else "-".join(arguments.group)
        arguments.output = ROOT / "logs/mutation" / f"{arguments.seed}-{arguments.count}-{groups}.jsonl"
    return arguments


def main() -> None:
    """Draw, run what has no result yet, print the tables."""
    arguments = arguments_of()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the copies are removed, as after Ctrl-C
    console = Console(width=None if sys.stdout.isatty() else 120)
    mutants = draw(arguments.seed, arguments.count, arguments.group)
    sources = {mutant.file: (ROOT / mutant.file).read_bytes() for mutant in mutants}
    console.print(f"seed {arguments.seed}: {len(mutants)} mutants of {len(sources)} files", highlight=False)
    if arguments.dry_run:
        for mutant in mutants:
            print(f"{mutant.operator} in {mutant.function}\n{mutant.diff(sources[mutant.file])}\n")
        return
    header = {"seed": arguments.seed, "count": arguments.count, "group": arguments.group, "digest": digest()}
    results = read_results(arguments.output, header)
    if arguments.survivors:
        results = {name: result for name, result in results.items() if result["status"] != "survived"}
    try:
        run(mutants, sources, results, arguments, header)
    except KeyboardInterrupt:
        print("stopped: the same command goes on", file=sys.stderr)
        sys.exit(130)
    except BaselineError as error:
        sys.exit(str(error))
    show(mutants, sources, results, console)


def read_results(path: Path, header: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Results so far, by mutant; the last line of a mutant counts."""
    if not path.exists():
        return {}
    first, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if first != header:
        sys.exit(f"{path} has results of {first}, not of {header}: remove it, or choose another --output")
    return {line["mutant"]: line for line in lines}


def name_of(mutant: Mutant) -> str:
    """A mutant's key in the file of results."""
    return f"{mutant.file}:{mutant.start}:{mutant.end}:{mutant.text}"


def run(
    mutants: Sequence[Mutant],
    sources: dict[str, bytes],
    results: dict[str, dict[str, Any]],
    arguments: argparse.Namespace,
    header: dict[str, Any],
) -> None:
    """Run what has no final result yet, stage by stage, and write each result as it comes.

    A result of the file says in `passed` how many stages a mutant has survived: it meets the next one. One that is
    argued to be harmless meets the first alone.
    """
    reasons = known_reasons()

    def waiting() -> dict[Mutant, int]:
        """Mutants that a stage is left for, and which."""
        known = {mutant: results.get(name_of(mutant), {"status": "survived", "passed": 0}) for mutant in mutants}
        left = {mutant: result["passed"] for mutant, result in known.items() if result["status"] == "survived"}
        left = {
            mutant: passed
            for mutant, passed in left.items()
            if passed < (1 if argued(mutant, sources[mutant.file], reasons) else len(TARGETS[mutant.file].stages))
        }
        now = min(left.values(), default=0)
        return {mutant: passed for mutant, passed in left.items() if passed == now}

    if not waiting():
        return
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    new = not arguments.output.exists()
    stages = [stage for file in {mutant.file: None for mutant in mutants} for stage in TARGETS[file].stages]
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with ExitStack() as stack:
        trials: queue.SimpleQueue[Trial] = queue.SimpleQueue()
        copies = [stack.enter_context(Trial(stages)) for _ in range(min(arguments.jobs, len(waiting())))]
        for copy in copies:
            trials.put(copy)
        file = stack.enter_context(arguments.output.open("a", encoding="utf-8"))
        if new:
            print(json.dumps(header), file=file, flush=True)

        def judge(mutant: Mutant, passed: int) -> dict[str, Any]:
            trial = trials.get()
            try:
                verdict = trial.verdict(mutant, sources[mutant.file], TARGETS[mutant.file].stages[passed])
            finally:
                trials.put(trial)
            passed += verdict.status == "survived"
            return {"mutant": name_of(mutant), "operator": mutant.operator, "passed": passed, **vars(verdict)}

        bar = stack.enter_context(Progress(*columns, console=Console(stderr=True)))
        pool = stack.enter_context(ThreadPoolExecutor(arguments.jobs))
        for copy in copies:
            stack.callback(copy.stop)  # or the pool would wait for what runs, after Ctrl-C
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        while some := waiting():
            number = min(some.values()) + 1
            task = bar.add_task(f"stage {number}", total=len(some))
            survived = 0
            for future in as_completed([pool.submit(judge, mutant, passed) for mutant, passed in some.items()]):
                result = future.result()
                results[result["mutant"]] = result
                print(json.dumps(result), file=file, flush=True)
                survived += result["status"] == "survived"
                bar.update(task, advance=1, description=f"stage {number}: {survived} survived")


def known_reasons() -> list[dict[str, str]]:
    """The entries of `harmless.toml`."""
    reasons: list[dict[str, str]] = tomllib.loads(HARMLESS.read_text(encoding="utf-8")).get("harmless", [])
    return reasons


def argued(mutant: Mutant, source: bytes, reasons: Sequence[dict[str, str]]) -> str:
    """Why a mutant changes no output; empty if nobody has argued that."""
    changed = mutant.lines(source)
    for reason in reasons:
        if (reason["file"], reason["function"], reason["diff"].strip()) == (mutant.file, mutant.function, changed):
            return reason["reason"]
    return ""


def show(
    mutants: Sequence[Mutant], sources: dict[str, bytes], results: dict[str, dict[str, Any]], console: Console
) -> None:
    """Print the survivors as diffs, then the tables by group and by operator."""
    reasons = known_reasons()
    fates: dict[Mutant, str] = {}
    for mutant in mutants:
        status = results[name_of(mutant)]["status"]
        if status == "survived" and argued(mutant, sources[mutant.file], reasons):
            status = "argued"
        fates[mutant] = status
        if status == "survived":
            print(f"survived: {mutant.operator} in {mutant.function}\n{mutant.diff(sources[mutant.file])}\n")
    console.print(_table("group", {mutant: TARGETS[mutant.file].group for mutant in mutants}, fates))
    console.print(_table("operator", {mutant: mutant.operator for mutant in mutants}, fates))


def _table(head: str, kinds: dict[Mutant, str], fates: dict[Mutant, str]) -> Table:
    table = Table(head, box=None)
    columns = ("killed", "timeout", "argued", "survived")
    for name in ("mutants", *columns, "killed or argued"):
        table.add_column(name, justify="right")
    for kind in [*dict.fromkeys(kinds.values()), "all"]:
        some = [fates[mutant] for mutant in fates if kind in ("all", kinds[mutant])]
        counts = [some.count(column) for column in columns]
        table.add_row(kind, *map(str, (len(some), *counts)), f"{100 * (1 - counts[-1] / len(some)):.1f} %")
    return table


if __name__ == "__main__":
    main()
