"""A problem's page and the pairs, links and keys of the trace viewer, in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reason_w2s.report import viewer
from reason_w2s.report.traces import collect
from reason_w2s.runs.run import Run
from tests.report.browser import Seen, opened
from tests.report.viewed import N_TRACES, STEPS, count, silent, until_listed
from tests.runs.small import RECIPE, project, run


def test_a_problem_shows_its_gold_and_all_its_traces(browser, viewed: Run, viewer_page: Path):
    one = collect(viewed).traces[0].row.problem
    traces = [shown for shown in collect(viewed).traces if shown.row.problem.id == one.id]
    with opened(browser, viewer_page) as seen:
        seen.page.locator("#rows .row").first.click()
        body = seen.page.locator("#problem")
        assert body.locator("h2").first.inner_text() == one.id
        assert one.question in body.inner_text()
        assert body.locator(".gold").inner_text() == one.gold
        cards = body.locator("article.trace")
        assert cards.count() == len(traces) == 5
        for number, shown in enumerate(traces):
            said = cards.nth(number).inner_text()
            assert shown.row.trace.model in said and f"{shown.row.trace.n_tokens} token" in said
            for fate in shown.fates:
                assert f"{fate.step} {'' if fate.kept else 'dropped: '}{fate.words}" in said
            steps = cards.nth(number).locator(".steps .text").all_inner_texts()
            lines = [line for line in shown.row.trace.text.split("\n") if line.strip()]
            assert [text.strip() for text in steps] == [line.strip() for line in lines]
    assert silent(seen)


def said(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a script has one kind of number
    return "-" if value is None else json.dumps(value).strip('"')


def test_columns_are_as_the_steps_made_them(browser, viewed: Run, viewer_page: Path):
    shown = next(one for one in collect(viewed).traces if one.row.columns.get("clean.flags"))
    columns = {
        name: ", ".join(map(said, value)) if isinstance(value, list) else said(value)
        for name, value in shown.row.columns.items()
        if value is not None and value != []
    }
    at = f"problem={shown.row.problem.id}&trace={shown.row.trace.key[:12]}"
    with opened(browser, viewer_page, at=at) as seen:
        card = seen.page.locator(".trace.current")
        card.locator("summary").click()
        names, values = card.locator("dt").all_inner_texts(), card.locator("dd").all_inner_texts()
        assert columns.items() <= dict(zip(names, values, strict=True)).items()
    assert silent(seen)


def test_options_and_several_golds(browser, tmp_path: Path):
    recipe = RECIPE[: RECIPE.index("  graded:")]
    path = project(tmp_path, recipe)
    row = {"id": "p", "question": "Which?", "answer": ["A", "a"], "options": ["one", "two"]}
    (tmp_path / "data.jsonl").write_text(json.dumps(row) + "\n")
    with opened(browser, viewer.write(run(path)), at="problem=p") as seen:
        assert seen.page.inner_text(".gold") == "A or a"
        assert seen.page.locator(".options li").all_inner_texts() == ["one", "two"]
        assert "not graded" in seen.page.inner_text(".trace >> nth=0")
    assert silent(seen)


def test_pairs_stand_side_by_side_with_rule_and_lengths(browser, viewed: Run, viewer_page: Path):
    found = collect(viewed).pairs
    assert {one.step for one in found} == {"pairs", "apart"}
    with opened(browser, viewer_page, at="view=pairs") as seen:
        assert count(seen).startswith(f"{len(found)} pairs of ")
        seen.page.select_option("#filter-step", "apart")
        apart = [one for one in found if one.step == "apart"]
        assert count(seen).startswith(f"{len(apart)} pairs of ")
        first = seen.page.locator("article.pair").first
        sides = [apart[0].chosen.row.trace, apart[0].rejected.row.trace]
        difference = sides[0].n_tokens - sides[1].n_tokens
        said = first.inner_text()
        assert "rule 0: chosen {finish_reason: stop}; rejected {finish_reason: length}" in said
        word = "longer" if difference > 0 else "shorter"
        assert f"chosen {abs(difference)} token{'' if abs(difference) == 1 else 's'} {word}" in said
        boxes = [first.locator(f".{name}").bounding_box() for name in ("chosen", "rejected")]
        assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] < boxes[1]["x"]
    assert silent(seen)


@pytest.mark.parametrize("longer", ["chosen", "rejected"])
def test_pairs_by_the_longer_side(browser, viewed: Run, viewer_page: Path, longer: str):
    sign = 1 if longer == "chosen" else -1
    apart = [
        sign * (one.chosen.row.trace.n_tokens - one.rejected.row.trace.n_tokens)
        for one in collect(viewed).pairs
    ]
    expected = sum(difference > 0 for difference in apart)
    assert expected
    with opened(browser, viewer_page, at=f"view=pairs&longer={longer}&order={longer}") as seen:
        assert count(seen).split()[0] == str(expected)
        word = "longer" if longer == "chosen" else "shorter"
        assert f"chosen {max(apart)} tokens {word}" in seen.page.inner_text("article.pair >> nth=0")


def test_a_problem_names_its_pairs(browser, viewed: Run, viewer_page: Path):
    pair = collect(viewed).pairs[0]
    with opened(browser, viewer_page, at=f"problem={pair.chosen.row.problem.id}") as seen:
        summary = seen.page.locator("details.pair summary").first
        summary.click()
        assert seen.page.locator("details.pair .chosen").first.is_visible()


def test_a_link_leads_to_a_trace_and_its_wrong_step(browser, viewed: Run, viewer_page: Path):
    (shown,) = [one for one in collect(viewed).traces if one.row.trace.text == STEPS]
    at = f"problem={shown.row.problem.id}&trace={shown.row.trace.key[:12]}"
    with opened(browser, viewer_page, at=at) as seen:
        card = seen.page.locator(".trace.current")
        assert card.get_attribute("data-key") == shown.row.trace.key[:12]
        assert card.evaluate("one => one === document.activeElement")
        wrong = card.locator("li.wrong")
        assert wrong.count() == 1
        assert wrong.locator(".text").inner_text() == "7 + 1 = 9"
        numbered = card.locator(".steps > li")
        assert numbered.count() == 5
        assert "wrong" in (numbered.nth(2).get_attribute("class") or "")
        assert f"{len(STEPS.split())} words" in card.inner_text()
        assert "first wrong step" in wrong.inner_text()
        assert seen.page.title().startswith(f"{shown.row.problem.id} · ")
    assert silent(seen)


def test_a_link_to_nowhere_says_so(browser, viewer_page: Path):
    with opened(browser, viewer_page, at="problem=nowhere") as seen:
        assert "'nowhere' is not among the problems" in seen.page.inner_text("#problem")
        assert "sampling" not in seen.page.inner_text("#problem")
        seen.page.click("#back")
        until_listed(seen, 100)
        assert count(seen).startswith(f"{N_TRACES} traces")
    assert silent(seen)


def focused(seen: Seen) -> str:
    return seen.page.evaluate("document.activeElement.getAttribute('href') ?? ''")


def test_everything_is_reached_by_keys(browser, viewer_page: Path):
    with opened(browser, viewer_page) as seen:
        rows = seen.page.locator("#rows .row")
        hrefs = [rows.nth(number).get_attribute("href") for number in range(3)]
        for key, place in (
            ("j", 0),
            ("ArrowDown", 1),
            ("j", 2),
            ("k", 1),
            ("ArrowUp", 0),
            ("j", 1),
        ):
            seen.page.keyboard.press(key)
            assert focused(seen) == hrefs[place]
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector("#problem article")
        current = seen.page.locator(".trace.current").get_attribute("data-key")
        seen.page.keyboard.press("j")
        active = seen.page.evaluate("document.activeElement.dataset.key")
        assert active and active != current
        before = seen.page.inner_text("#problem h2 >> nth=0")
        seen.page.keyboard.press("l")
        seen.wait("t => document.querySelector('#problem h2').innerText != t", before)
        seen.page.keyboard.press("h")
        seen.wait("t => document.querySelector('#problem h2').innerText == t", before)
        seen.page.keyboard.press("Escape")
        seen.page.wait_for_selector("#rows .row")
        assert "problem=" in focused(seen)
    assert silent(seen)


def test_slash_searches_and_escape_leaves(browser, viewer_page: Path):
    with opened(browser, viewer_page, at="problem=p3") as seen:
        seen.page.keyboard.press("/")
        seen.wait("document.activeElement.id === 'search'")
        seen.page.keyboard.type("p7/j")
        assert seen.page.input_value("#search") == "p7/j"
        seen.wait("document.querySelector('#count').innerText === 'No traces.'")
        assert "q=" in seen.page.evaluate("location.hash")
        seen.page.keyboard.press("Escape")
        assert seen.page.evaluate("document.activeElement.id") != "search"
        seen.page.keyboard.press("Escape")
        said = "document.querySelector('#count').innerText.startsWith"
        seen.wait(f"{said}('{N_TRACES} traces')")
        assert "q=" not in seen.page.evaluate("location.hash")
    assert silent(seen)


def test_every_control_has_a_name_and_focus_is_seen(browser, viewer_page: Path):
    nameless = """() => [...document.querySelectorAll('input, select, button, a, summary')]
        .filter(one => !(one.labels?.length || one.ariaLabel || one.textContent.trim()))
        .map(one => one.outerHTML)"""
    with opened(browser, viewer_page) as seen:
        for at in ("", "view=pairs", "problem=p3"):
            seen.page.goto(f"{viewer_page.as_uri()}#{at}")
            assert seen.page.evaluate(nameless) == []
        seen.page.goto(f"{viewer_page.as_uri()}#")
        for _ in range(6):
            seen.page.keyboard.press("Tab")
            style = "getComputedStyle(document.activeElement).outlineStyle"
            assert seen.page.evaluate(style) == "solid"
