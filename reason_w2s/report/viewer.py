"""The trace viewer: one HTML file that needs nothing else, and in which a trace's text can do
nothing.

Texts are data (JSON in a script element that is not run) until the page's script puts them into the
page as text. A content security policy allows the page's own style and script, by their hashes, and
nothing else: no request, no other script, no markup made from text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Hashable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reason_w2s.records import Problem
from reason_w2s.report.scored import Scores
from reason_w2s.report.traces import LIMIT, Collected, Shown, collect, step_ends, verdict
from reason_w2s.report.wording import setting
from reason_w2s.runs.results import asked
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import write_bytes

FILE = "traces.html"
GRADING = ("check", "harness")
TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("data", "parts", "scores", "list", "pairs", "problem", "page")
"""The page's script in its parts, in order."""

# what may begin or end an element; ends a line of script; is not to be in UTF-8 or in HTML
_MARKUP = {one: f"\\u{ord(one):04x}" for one in "<>&"}
_UNSAFE = re.compile("[\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff\\ufeff\\ufffe\\uffff]")


def write(run: Run, limit: int = LIMIT) -> Path:
    """Write a run's viewer with at most `limit` traces (0: all), into its folder.

    The same rows give the same bytes, and a file that says the same stays untouched.
    """
    _, plan = asked(run)
    rules = {
        name: [rule_words(rule) for rule in step.config["rules"]]
        for name, step in plan.steps.items()
        if step.stage == "pair"
    }
    about = {"run": run.folder.resolve().name, "title": plan.title}
    text = render({**about, **content(collect(run, limit), run, rules)})
    out, data = run.folder / FILE, text.encode()
    if not out.is_file() or out.read_bytes() != data:
        write_bytes(out, data)
    return out


def render(found: Mapping[str, Any]) -> str:
    """The viewer as HTML text. `found`: `content`, and the run's name under `run`."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = "".join((TEMPLATES / f"viewer/{name}.js").read_text("utf-8") for name in SCRIPTS)
    script = f'(() => {{\n"use strict";\n{script}}})();\n'
    style = (TEMPLATES / "viewer/viewer.css").read_text("utf-8")
    return environment.get_template("traces.html.j2").render(
        name=found["run"],
        policy=policy(style, script),
        style=Markup(style),
        script=Markup(script),
        data=Markup(script_json(found)),
    )


def policy(style: str, script: str) -> str:
    """The content security policy of a page with this style and script."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def script_json(value: Any) -> str:
    """JSON that can stand in a script element, whatever its texts hold, and be written as UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for raw, escaped in _MARKUP.items():
        text = text.replace(raw, escaped)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def content(found: Collected, run: Run, rules: Mapping[str, list[str]]) -> dict[str, Any]:
    """What the page is given, as JSON.

    What repeats (steps, verdicts, fates, names of columns) is listed once and then named by its
    place in that list. A trace's `columns` are those that are not null, by place.
    """
    listed = Listed(run)
    places = {asked: number for number, asked in enumerate(found.problems)}
    numbers = {id(one): number for number, one in enumerate(found.traces)}
    return {
        "n_problems": found.n_problems,
        "n_traces": found.n_traces,
        "n_pairs": found.n_pairs,
        "rules": dict(rules),
        "problems": [_problem(link, problem) for link, problem in found.problems.values()],
        "traces": [listed.trace(one, places[one.asked]) for one in found.traces],
        "pairs": [
            {
                "step": pair.step,
                "rule": pair.rule,
                "chosen": numbers[id(pair.chosen)],
                "rejected": numbers[id(pair.rejected)],
            }
            for pair in found.pairs
        ],
        **listed.lists(),
    }


def rule_words(rule: Mapping[str, Any]) -> str:
    """A pair rule as one line."""
    sides = [f"{side} {_flow(rule[side])}" for side in ("chosen", "rejected")]
    when = [f"when {_flow(rule['when'])}"] if rule["when"] else []
    return "; ".join([*when, *sides, f"at most {rule['max']} per problem"])


class Listed:
    """Traces as JSON, and the lists that they point into."""

    def __init__(self, run: Run) -> None:
        items = run.items.values()
        self._words = {item.step for item in items if item.stage == "import"}
        self._checks = [item.step for item in items if item.stage in GRADING]
        self._stepchecks = [item.step for item in items if item.stage == "stepcheck"]
        self._scores = Scores(run)
        self._lists: dict[str, dict[Hashable, int]] = {
            name: {} for name in ("steps", "verdicts", "fates", "columns")
        }

    def lists(self) -> dict[str, list[Any]]:
        """The lists. `words`: the steps whose traces were imported, their words counted instead of
        tokens. `scored`: the steps that scored them."""
        lists: dict[str, list[Any]] = {name: list(one) for name, one in self._lists.items()}
        return {**lists, "words": sorted(self._words), "scored": self._scores.listed()}

    def trace(self, one: Shown, problem: int) -> dict[str, Any]:
        """A trace; `problem` is the place of its problem."""
        trace, columns = one.row.trace, one.row.columns
        graded = [step for step in self._checks if f"{step}.status" in columns]
        looked = [step for step in self._stepchecks if f"{step}.flags" in columns]
        answers = [columns[f"{step}.answer"] for step in graded]
        cut = _cut(columns, looked)
        return {
            "problem": problem,
            "key": trace.key[:12],
            "model": trace.model,
            "steps": [self._place("steps", step) for step in one.steps],
            "index": trace.index,
            "text": trace.text,
            "finish": trace.finish_reason,
            "prompt": trace.n_prompt,
            "tokens": trace.n_tokens,
            "verdicts": self._verdicts(columns, graded),
            "answer": next((answer for answer in answers if answer is not None), None),
            "flags": _flags(columns, looked),
            "ends": step_ends(one.row, cut) if cut else None,
            "wrong": columns[f"{cut}.first_error"] if cut else None,
            "fates": [self._place("fates", fate) for fate in one.fates],
            "scores": self._scores.of(one.row),
            "columns": {
                str(self._place("columns", name)): _plain(value)
                for name, value in columns.items()
                if value is not None and value != [] and not self._scores.hides(name)
            },
        }

    def _verdicts(self, columns: Mapping[str, Any], graded: list[str]) -> list[int]:
        found = {
            step: verdict(columns[f"{step}.status"], columns[f"{step}.correct"]) for step in graded
        }
        return [
            self._place("verdicts", (step, word))
            for step, word in found.items()
            if word is not None
        ]

    def _place(self, name: str, value: Hashable) -> int:
        listed = self._lists[name]
        return listed.setdefault(value, len(listed))


def _cut(columns: Mapping[str, Any], looked: list[str]) -> str | None:
    """The stepcheck whose steps are shown: the first that found a wrong one, else the first."""
    wrong = (step for step in looked if columns[f"{step}.first_error"] is not None)
    return next(wrong, looked[0] if looked else None)


def _flags(columns: Mapping[str, Any], looked: list[str]) -> list[str] | None:
    """What stepchecks found, None where none looked."""
    if not looked:
        return None
    return sorted({flag for step in looked for flag in columns[f"{step}.flags"] or ()})


def _problem(link: str, problem: Problem) -> dict[str, Any]:
    gold = problem.gold
    return {
        "link": link,
        "id": problem.id,
        "question": problem.question,
        "gold": [gold] if isinstance(gold, str) else None if gold is None else list(gold),
        "solution": problem.solution,
        "options": None if problem.options is None else list(problem.options),
        "level": problem.level,
        "subject": problem.subject,
    }


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def _flow(where: Mapping[str, Any]) -> str:
    parts = [
        f"{name}: {_flow(one) if isinstance(one, Mapping) else setting(one)}"
        for name, one in where.items()
    ]
    return f"{{{', '.join(parts)}}}"


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
