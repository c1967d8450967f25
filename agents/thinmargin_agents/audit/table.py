"""The findings of an audit on the terminal, in Markdown and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from thinmargin.records import markdown_table
from thinmargin_agents.audit.findings import Finding, Scope
from thinmargin_agents.cli.versions import versions

PLACE = "audit"
"""Name of the place on a Markdown page."""


def word_of(finding: Finding) -> str:
    """Whether a check passed, in a word."""
    return "pass" if finding.passed else "FAIL"


def show(finding: Finding, console: Console) -> None:
    """Print one check: verdict, question, what was measured and allowed, details."""
    console.print(
        f"{word_of(finding)}  {finding.name}: {finding.question}", style="bold green" if finding.passed else "bold red"
    )
    console.print(f"      measured: {finding.summary}")
    console.print(f"      allowed:  {finding.bound}")
    for line in finding.lines:
        console.print(f"      {line}".rstrip())
    console.print()


def summary(findings: Sequence[Finding]) -> str:
    """One line on all checks."""
    failed = [finding.name for finding in findings if not finding.passed]
    passed = f"{len(findings) - len(failed)} of {len(findings)} checks passed"
    return f"{passed}; failed: {', '.join(failed)}" if failed else passed


def as_markdown(findings: Sequence[Finding], command: str) -> str:
    """The verdicts as a table and the details as text, under the command that makes them."""
    rows = [[item.name, item.question, item.summary, item.bound, word_of(item)] for item in findings]
    table = markdown_table(["check", "what it asks", "measured", "allowed", ""], rows)
    details = "\n\n".join("\n".join((f"{item.name}:", *item.lines)) for item in findings)
    return f"`{command}`: {summary(findings)}.\n\n{table}\n\n```text\n{details}\n```"


def document(findings: Sequence[Finding], scope: Scope, command: str) -> dict[str, Any]:
    """Everything that was measured, as plain values."""
    return {
        "command": command,
        "split": "validation",
        "worlds": scope.n_worlds,
        "evaluations": scope.evaluations,
        "seed": scope.seed,
        "versions": versions(),
        "passed": all(finding.passed for finding in findings),
        "checks": {
            finding.name: {
                "question": finding.question,
                "measured": dict(finding.measured),
                "says": finding.summary,
                "bound": finding.bound,
                "passed": finding.passed,
                "lines": list(finding.lines),
            }
            for finding in findings
        },
    }
