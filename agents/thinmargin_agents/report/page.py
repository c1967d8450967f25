"""The whole page: every section from the results to `report.html.jinja`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from thinmargin.baselines import BASELINES, baseline
from thinmargin.names import policy_name
from thinmargin.palette import TONES, looks_of
from thinmargin.settings import Settings
from thinmargin.shown import quoted
from thinmargin_agents.cli.programs import script_command
from thinmargin_agents.play.errors import PolicyError
from thinmargin_agents.policies.entrants import Entrant, Member
from thinmargin_agents.report.roles import Cast, cast_of
from thinmargin_agents.report.sections.best_known import best_known
from thinmargin_agents.report.sections.closing import rules_table, scored_of
from thinmargin_agents.report.sections.glossary import about, terms
from thinmargin_agents.report.sections.headline import few_words, headline, why_no_score
from thinmargin_agents.report.sections.leaderboard import columns_of
from thinmargin_agents.report.sections.realism import COMMAND as BACKTEST
from thinmargin_agents.report.sections.realism import realism
from thinmargin_agents.report.sections.response_charts import month_mark, month_tone, month_words, response_charts
from thinmargin_agents.report.sections.responses import responses
from thinmargin_agents.report.sections.spread import spread_charts
from thinmargin_agents.report.sections.stress import stress_table
from thinmargin_agents.report.sections.waterfall import waterfall_chart, waterfall_of, waterfall_rows
from thinmargin_agents.report.sections.years import year_groups
from thinmargin_agents.report.style import drawing
from thinmargin_agents.scoring.comparison import Result
from thinmargin_agents.scoring.score import FORESIGHT
from thinmargin_agents.scoring.statistics import RESAMPLES

if TYPE_CHECKING:
    from thinmargin_agents.judging.arena import Playground

FOLDER = Path(__file__).parent / "template"
PAGE, STYLE, SCRIPT = "report.html.jinja", "report.css", "report.js"
ASKED = "plan_with_feedback"
"""The policy whose answers are shown where no run is among the entrants."""


def html_report(
    report: Mapping[str, Any],
    results: Sequence[Result],
    stress: Mapping[str, Sequence[Result]],
    entrants: Sequence[Entrant],
    playground: Playground,
    command: str,
    named: Sequence[str] = (),
) -> str:
    """A comparison as one HTML page that needs nothing else; the same arguments give the same page.

    Args:
        report: the JSON document of `thinmargin_agents.scoring.comparison.report_of`; the page names what it lacks.
        results: from which the document was made.
        stress: results of held-out worlds, by family.
        entrants: the policies themselves; one is asked for its answers.
        playground: settings of the environment.
        command: the command line that makes the page again.
        named: the policies that were asked for by name: those of the pictures over the years.

    Raises:
        ValueError: there is no result.
    """
    cast = cast_of(report, results, named)
    scored = scored_of(report)
    seed = int(report.get("seed") or 0)
    with drawing():
        content = {
            "headline": headline(cast, report, seed),
            "columns": columns_of(cast, scored),
            "rules": rules_table(cast),
            "spread": spread_charts(cast, report, seed),
            "groups": year_groups(cast),
            "fall": _fall(cast, seed),
            "answers": _answers(cast, entrants, playground, seed),
            "stress": stress_table(cast, report, stress),
            "realism": realism(),
        }
    script = _read(SCRIPT)
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template(PAGE).render(
        evaluate=script_command("evaluate"),
        **content,
        report=report,
        cast=cast,
        about=about,
        terms=terms(scored),
        scored=scored,
        playground=playground,
        command=command,
        backtest=BACKTEST,
        resamples=RESAMPLES,
        few=few_words(len(cast.best.result.keys)),
        plays=cast.counts,
        keys=_keys(cast),
        no_score=why_no_score(report),
        made=best_known(report.get("foresight") or {}, report.get("versions") or {}),
        style=f"{theme()}\n{_read(STYLE)}",
        script=script,
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    return page.encode("utf-8", "backslashreplace").decode()  # names of files need not be letters


def theme() -> str:
    """The colours of the page as variables of its style: on white, and on a dark screen."""
    light, dark = (
        " ".join(f"--{name}: {getattr(tone, side)};" for name, tone in TONES.items()) for side in ("light", "dark")
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    )


def _read(name: str) -> str:
    return (FOLDER / name).read_text("utf-8").strip()


def _keys(cast: Cast) -> str:
    """The world keys in words."""
    keys = cast.best.result.keys.tolist()
    if len(keys) > 1 and keys == list(range(keys[0], keys[-1] + 1)):
        return f"{keys[0]} to {keys[-1]}"
    return ", ".join(map(str, keys))


def _fall(cast: Cast, seed: int) -> dict[str, Any] | None:
    fall = waterfall_of(cast, seed)
    return {"chart": waterfall_chart(fall), "rows": waterfall_rows(fall), "fall": fall} if fall else None


def _answers(cast: Cast, entrants: Sequence[Entrant], playground: Playground, seed: int) -> dict[str, Any]:
    """The answers of the policy that is asked, or why there are none."""
    try:
        entrant = _policy_to_ask(cast, entrants)
        member, player = entrant.members[0], cast.named(entrant.name)
        discrete = playground.discrete if member.discrete is None else member.discrete
        settings = Settings(
            worlds=playground.worlds, closing=playground.closing, horizon=playground.horizon, discrete=discrete
        )
        found = responses(member.policy, cast.best.result.keys.tolist(), settings, member.name, seed)
    except PolicyError as error:
        return {"missing": str(error)}
    months = sorted({curve.month for curves in found.curves.values() for curve in curves})
    return {
        "missing": None,
        "title": player.title if player else policy_name(entrant.name),
        "is_run": member.is_run,
        "played": player is not None,
        "others": len(entrant.members) - 1,
        "found": found,
        "charts": response_charts(
            found, looks_of([entrant.name])[entrant.name].color if player is None else player.color
        ),
        "months": [(month, month_words(month), month_tone(month), month_mark(month)) for month in months],
    }


def _policy_to_ask(cast: Cast, entrants: Sequence[Entrant]) -> Entrant:
    """The best that was trained, else an outsider, else the plan with feedback; its first training seed is asked."""
    if cast.learned is not None:
        entrant = next((entrant for entrant in entrants if entrant.name == cast.learned.name), None)
        if entrant is None:
            raise PolicyError(f"policy {quoted(cast.learned.name)} is not among the entrants")
        return entrant
    built_in = (*BASELINES, FORESIGHT)
    outsider = next((entrant for entrant in entrants if entrant.name not in built_in), None)
    entrant = outsider or next((entrant for entrant in entrants if entrant.name == ASKED), None)
    if entrant is not None:
        return entrant
    try:
        return Entrant(ASKED, (Member(ASKED, baseline(ASKED), discrete=False),))
    except ValueError as error:
        raise PolicyError(str(error)) from error
