"""Scores in the trace viewer: per step and token, coloured, with their values."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason_w2s.report import scored, viewer
from reason_w2s.report.traces import collect, units
from reason_w2s.runs.run import Run
from tests.report.browser import opened
from tests.report.viewed import silent
from tests.runs.small import RECIPE, project, run

pytestmark = pytest.mark.torch

SCORED = """\
  fit: {score: {of: clean, kind: logprobs, model: weak}}
  odd: {score: {of: fit, kind: ranks, model: weak, split: equations}}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory, tiny_model: Path) -> Run:
    recipe = RECIPE.replace("nobody/weak", str(tiny_model)) + SCORED
    return run(project(tmp_path_factory.mktemp("scored"), recipe, n=4))


def content(run: Run) -> dict:
    return viewer.content(collect(run), run, {})


def test_each_trace_has_its_scores_with_few_digits(done: Run) -> None:
    found = content(done)
    assert [(one["step"], one["kind"]) for one in found["scored"]] == [
        ("fit", "logprobs"), ("odd", "ranks")
    ]  # fmt: skip
    rows = {row.trace.key[:12]: row for row in done.rows("odd")}
    shown = 0
    for trace in found["traces"]:
        columns = rows[trace["key"]].columns
        for one in trace["scores"]:
            name = found["scored"][one["score"]]["step"]
            assert one["tokens"] == [scored.short(value) for value in columns[f"{name}.tokens"]]
            assert one["tokens"] == pytest.approx(columns[f"{name}.tokens"], rel=0.01)
            assert len(one["ends"]) == len(one["tokens"])
            assert len(one["cuts"]) == len(one["steps"]) == len(columns[f"{name}.steps"])
            assert not one["cuts"] or one["cuts"][-1] == len(trace["text"])
            shown += 1
        named = {found["columns"][int(place)] for place in trace["columns"]}
        assert not named & {"fit.tokens", "fit.steps", "odd.ends", "odd.vocabulary"}
    assert shown == 2 * sum(row.columns["fit.value"] is not None for row in rows.values())


def test_a_page_holds_no_more_tokens_than_it_may(done: Run, monkeypatch) -> None:
    monkeypatch.setattr(scored, "TOKENS", 60)
    kept = [one["tokens"] for trace in content(done)["traces"] for one in trace["scores"]]
    assert None in kept
    assert 0 < sum(len(one) for one in kept if one is not None) <= 60


def test_the_colours_end_where_few_values_are() -> None:
    values = [float(value) for value in range(101)]
    assert scored.ends(values) == [5, 95]
    assert scored.ends([2.0]) == [2, 2]
    assert scored.ends([]) == [None, None]
    assert scored.short(-0.0012345) == -0.00123
    assert scored.short(None) is None


def test_places_are_counted_as_a_script_does() -> None:
    assert units("a\U0001d400b", [1, 2, 3]) == [1, 3, 4]


def test_steps_and_tokens_are_coloured_and_say_their_values(
    browser, done: Run, tmp_path: Path
) -> None:
    page = tmp_path / "traces.html"
    found = content(done)
    page.write_text(viewer.render({"run": "scored", "title": "", **found}), encoding="utf-8")
    trace = max(found["traces"], key=lambda one: len(one["text"]))
    one = trace["scores"][0]
    link = found["problems"][trace["problem"]]["link"]
    with opened(browser, page, at=f"problem={link}") as seen:
        card = seen.page.locator(f'article.trace[data-key="{trace["key"]}"]')
        parts = card.locator("details.scores")
        assert parts.count() == 2
        assert parts.nth(0).locator("summary").inner_text() == f"fit (logprobs): {one['value']}"
        parts.nth(0).locator("summary").click()
        tokens = parts.nth(0).locator(".text span")
        assert tokens.count() >= len(one["tokens"])
        titles = [tokens.nth(place).get_attribute("title") for place in range(tokens.count())]
        assert titles[0] == f"token {one['tokens'][0]}"
        assert titles[-1] == f"token {one['tokens'][-1]}"
        assert all((tokens.nth(place).get_attribute("class") or "").startswith("level")
                   for place in range(tokens.count()))  # fmt: skip
        text = "".join(parts.nth(0).locator(".text").all_text_contents()).removesuffix("⏎")
        assert text == trace["text"]
        values = parts.nth(0).locator(".value").all_inner_texts()
        assert values == [str(value) for value in one["steps"]]
    assert silent(seen)
