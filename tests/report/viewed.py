"""Runs that the viewer's tests look at: one with something for every filter, one all hostile."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from reason_w2s.runs.run import Run
from tests.report.browser import Seen
from tests.runs.small import RECIPE, project, run

N_PROBLEMS = 31
N_TRACES = N_PROBLEMS * 5 + 1
UNSURE = {"id": "unsure", "question": "How many, about?", "answer": "some", "level": 9}
STEPS = "We add.\n\n2 + 5 = 7\n7 + 1 = 9\n9 + 9 = 20\n#### 20"
"""The third of its five steps is the first wrong one."""
MORE = """\
  sound: {select: {of: chosen, where: {clean.flags: none}}}
  apart:
    pair:
      of: clean
      rules: [{chosen: {finish_reason: stop}, rejected: {finish_reason: length}, max: 2}]
  again: {sample: {model: other, of: train, sampling: {n: 1, max_tokens: 64}}}
  human: {import: {of: train, file: texts.jsonl, model: person}}
  looked: {stepcheck: {of: human}}
"""
HIT = "<img src=x onerror='window.hit=1'><script>window.hit=1</script>"
HOSTILE = {
    "markup": HIT,
    "end": f"</script></textarea>{HIT}",
    "comment": f"<!--<script>{HIT}-->",
    "separators": "a\u2028b\u2029c\u0085d\ufeff\ufffe",
    "unseen": "a\x00b\x1b[31mc\rd\x7f\x1b]52;c;aGk=\x07\x9b2J\b[red]",
    "more": "\"' autofocus onfocus=window.hit=1 onmouseover='window.hit=1' x=\" <base href=//x>"
    "</style><style>*{display:none}@import url(http://127.0.0.1:9/x)</style>"
    "<a href=javascript:window.hit=1>x</a> [x](javascript:window.hit=1)",
    "bidi": "(a \u202e reversed \u2067 b",
    "template": "{{ 7*7 }} ${window.hit=1} &lt;b&gt; &amp; `x`",
    "line": "x" * 1_000_000,
    "lines": "\n".join(
        "1 + 1 = 3" if number == 500 else f"line {number}" for number in range(10_000)
    ),
}
HOSTILE_RECIPE = """\
name: hostile
problems:
  train: {source: jsonl, file: data.jsonl}
steps:
  drawn: {import: {of: train, file: texts.jsonl, columns: {model: model}}}
  graded: {check: {of: drawn}}
  clean: {stepcheck: {of: graded}}
  pairs: {pair: {of: clean, rules: [{chosen: {}, rejected: {}, max: 40}]}}
"""


def viewed_run(folder: Path) -> Run:
    """The small recipe with two models, two pair steps, an import and a gold that is no number."""
    recipe = RECIPE.replace("problems:\n", "  other: {path: nobody/other, prompt: qa}\nproblems:\n")
    path = project(folder, recipe + MORE, n=N_PROBLEMS - 1)
    with (folder / "data.jsonl").open("a") as stream:
        stream.write(json.dumps(UNSURE) + "\n")
    (folder / "texts.jsonl").write_text(json.dumps({"id": "p2", "response": STEPS}) + "\n")
    return run(path)


def hostile_run(folder: Path) -> Run:
    """A run whose every text, id and name is hostile."""
    path = project(folder, HOSTILE_RECIPE)
    asked = {"id": HIT, "question": HIT * 2, "answer": HIT, "solution": HIT, "subject": HIT}
    rows = [
        {"id": HIT, "model": f"{name}{HIT}", "response": text} for name, text in HOSTILE.items()
    ]
    (folder / "data.jsonl").write_text(json.dumps(asked) + "\n")
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return run(path)


def embedded(page: Path) -> dict[str, Any]:
    """The data as the page's script reads it."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def count(seen: Seen) -> str:
    """What the page says of how many it lists."""
    return seen.page.inner_text("#count")


def until_listed(seen: Seen, rows: int) -> None:
    """Wait until so many rows are shown: a page learns of a new address later."""
    has = "rows => document.querySelectorAll('#rows .row').length === rows"
    seen.page.wait_for_function(has, arg=rows)


def silent(seen: Seen) -> bool:
    """Whether the page said nothing and asked for nothing."""
    return (seen.said, seen.beyond) == ([], [])
