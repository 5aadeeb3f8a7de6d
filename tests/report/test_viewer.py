"""The trace viewer: what is written, and its list in a browser."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
from collections import Counter
from pathlib import Path

import pytest

from reason_w2s.report import viewer
from reason_w2s.report.traces import Shown, collect, verdict
from reason_w2s.runs.run import Run, Selection
from tests.report.browser import opened
from tests.report.viewed import (
    HOSTILE,
    N_PROBLEMS,
    N_TRACES,
    count,
    embedded,
    silent,
    until_listed,
)
from tests.runs.small import RECIPE, main, project, run, snapshot

log = logging.getLogger("viewer")


def test_texts_survive_and_cannot_end_the_script(hostile_page: Path):
    text = hostile_page.read_text(encoding="utf-8")
    assert text.count("<script") == text.count("</script") == 2
    assert "<!--" not in text and "\u2028" not in text and "\x00" not in text
    assert {one["text"] for one in embedded(hostile_page)["traces"]} == set(HOSTILE.values())


@pytest.mark.parametrize("text", [*list(HOSTILE.values())[:7], "\ud800", "a\udfffb", "\U0001f600é"])
def test_any_text_is_json_and_utf8(text: str):
    written = viewer.script_json({text: [text]})
    assert json.loads(written.encode().decode()) == {text: [text]}
    assert not set(written) & set("<>&\u2028\u2029\ufeff")


def test_the_policy_allows_the_page_s_own_script_and_style_alone(viewer_page: Path):
    text = viewer_page.read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    for tag in ("script", "style"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;;" in policy[1]
    assert policy[1].startswith("default-src &#39;none&#39;;")


def test_the_same_rows_give_the_same_file_and_leave_it_untouched(viewed: Run, viewer_page: Path):
    before = snapshot(viewed.folder)
    assert viewer.write(Run.open(viewed.folder)) == viewer_page
    assert snapshot(viewed.folder) == before
    viewer_page.write_text("something else")
    viewer.write(viewed)
    assert viewer_page.read_bytes() == before["traces.html"][1]


def test_what_is_no_number_in_json_is_a_word():
    assert [viewer._plain(one) for one in (1.5, float("nan"), float("-inf"))] == [
        1.5,
        "nan",
        "-inf",
    ]


def test_a_rule_in_one_line():
    rule = {
        "when": {"level": 3},
        "chosen": {"a.correct": True},
        "rejected": {"x": {"min": 2}},
        "max": 1,
    }
    said = (
        "when {level: 3}; chosen {a.correct: true}; rejected {x: {min: 2}}; at most 1 per problem"
    )
    assert viewer.rule_words(rule) == said


def test_it_opens_silently_and_says_what_it_shows(browser, viewed: Run, viewer_page: Path):
    with opened(browser, viewer_page) as seen:
        said = f"{N_TRACES} traces of {N_PROBLEMS} problems"
        assert (seen.page.inner_text("#extent"), count(seen)) == (f"{said}.", said)
        assert seen.page.locator("#rows .row").count() == 100
        assert seen.page.title() == f"{viewed.folder.name}: traces · reason-w2s"
        ready = seen.page.evaluate("performance.getEntriesByName('ready')[0].startTime")
        log.info("ready after %.0f ms with %d traces", ready, N_TRACES)
    assert silent(seen)


def test_a_sampled_run_says_so(browser, viewed: Run, tmp_path: Path):
    found = viewer.content(collect(viewed, 42), viewed, {})
    path = tmp_path / "some.html"
    path.write_text(viewer.render({"run": "some", **found}), encoding="utf-8")
    with opened(browser, path) as seen:
        said = seen.page.inner_text("#extent")
        assert said.startswith(
            f"40 of {N_TRACES} traces shown, sampled by problem (8 of {N_PROBLEMS}), with "
        )
        seen.page.goto(path.as_uri() + "#problem=nowhere")
        assert "left out by sampling" in seen.page.inner_text("#problem")


def test_a_run_without_traces(browser, tmp_path: Path):
    path = project(tmp_path, RECIPE[: RECIPE.index("steps:")])
    with opened(browser, viewer.write(run(path))) as seen:
        assert seen.page.inner_text("#extent") == "This run has no traces."
        assert count(seen) == "No traces."
    assert silent(seen)


def searched(one: Shown) -> str:
    row = one.row
    answers = [value for name, value in row.columns.items() if name.endswith(".answer") and value]
    return "\n".join(
        [row.problem.id, row.problem.question, row.problem.gold, row.trace.text, *answers]
    ).lower()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("apples", ["apples"]),
        ("TOM more", ["tom", "more"]),
        ('"17 apples and"', ["17 apples and"]),
        ("unsure", ["unsure"]),
        ("so we add", ["so", "we", "add"]),
        ("no such words", ["no", "such", "words"]),
    ],
)
def test_search_reads_questions_responses_answers_and_ids(
    browser, viewed: Run, viewer_page: Path, query: str, words: list[str]
):
    texts = [searched(one) for one in collect(viewed).traces]
    expected = sum(all(word in text for word in words) for text in texts)
    with opened(browser, viewer_page) as seen:
        seen.page.fill("#search", query)
        seen.wait("location.hash.includes('q=')")
        assert count(seen).split()[0] == (str(expected) if expected else "No")
        if words[0] == "apples":
            assert seen.page.locator("#rows mark").first.inner_text() == "apples"
    assert silent(seen)


def verdicts(one: Shown) -> list[str]:
    word = verdict(one.row.columns.get("graded.status"), one.row.columns.get("graded.correct"))
    return [word or "not graded"]


def fates(one: Shown) -> list[str]:
    found = []
    for step, kept, words in one.fates:
        found += [f"{step}: {words}"] if kept else [f"{step}: dropped", f"{step}: dropped: {words}"]
    return found


def flags(one: Shown) -> list[str]:
    columns = one.row.columns
    for step in ("clean", "looked"):
        if f"{step}.flags" in columns:
            return columns[f"{step}.flags"] or ["no flags"]
    return ["not checked"]


FACETS = {
    "verdict": verdicts,
    "model": lambda one: [one.row.trace.model],
    "step": lambda one: one.steps,
    "fate": fates,
    "level": lambda one: [str(one.row.problem.level)],
    "finish": lambda one: [one.row.trace.finish_reason],
    "flag": flags,
}


@pytest.mark.parametrize("name", FACETS)
def test_each_filter_leaves_what_has_its_value(browser, viewed: Run, viewer_page: Path, name: str):
    expected = Counter(value for one in collect(viewed).traces for value in FACETS[name](one))
    assert len(expected) > 1
    with opened(browser, viewer_page) as seen:
        select = seen.page.locator(f"#filter-{name}")
        offered = select.locator("option").evaluate_all("all => all.map(one => one.value)")
        assert sorted(offered) == sorted(["", *expected])
        for value, number in expected.items():
            select.select_option(value)
            noun = "trace" if number == 1 else "traces"
            assert count(seen).startswith(f"{number} {noun} of "), value
        select.select_option("")
        assert count(seen).startswith(f"{N_TRACES} traces")
    assert silent(seen)


def test_filters_and_search_are_held_together_and_cleared(browser, viewed: Run, viewer_page: Path):
    expected = sum(
        verdicts(one) == ["wrong"] and one.steps == ["drawn"] and "17" in searched(one)
        for one in collect(viewed).traces
    )
    assert expected
    with opened(browser, viewer_page, at="verdict=wrong&step=drawn&q=17") as seen:
        assert count(seen).split()[0] == str(expected)
        assert seen.page.input_value("#search") == "17"
        assert seen.page.input_value("#filter-verdict") == "wrong"
        assert seen.page.inner_text("#more summary") == "Filters (2)"
        seen.page.click("#clear")
        assert count(seen).startswith(f"{N_TRACES} traces")
        assert seen.page.evaluate("location.hash") in ("", "#")


def test_a_value_that_nothing_has_is_named(browser, viewer_page: Path):
    with opened(browser, viewer_page, at="model=nobody") as seen:
        assert count(seen) == "No traces."
        assert seen.page.locator("#filter-model option:checked").inner_text() == "nobody (0)"


def test_the_longest_come_first(browser, viewed: Run, viewer_page: Path):
    lengths = sorted((one.row.trace.n_tokens for one in collect(viewed).traces), reverse=True)
    with opened(browser, viewer_page) as seen:
        seen.page.select_option("#order", "longest")
        first = seen.page.locator("#rows .flags").first.inner_text()
        assert first.startswith(f"{lengths[0]} tokens")


def test_pages_of_the_list(browser, viewer_page: Path):
    with opened(browser, viewer_page) as seen:
        seen.page.locator("[aria-label='Page after']").first.click()
        until_listed(seen, N_TRACES - 100)
        assert seen.page.locator(".pager").first.inner_text() == "← before page 2 of 2 after →"
        seen.page.go_back()
        until_listed(seen, 100)


def test_report_writes_a_run_s_viewer(tmp_path: Path, monkeypatch, capsys):
    suite = "suites: {own: {problems: {source: jsonl, file: data.jsonl, take: 5}}}\n"
    measured = "evaluate: {suites: [own], models: {weak: weak}, overlap: allow}\n"
    path = project(tmp_path, RECIPE + suite + measured)
    monkeypatch.chdir(tmp_path)
    given = ["run", path.name, "--profile", "fake.yaml"]
    code, out, err = main(given, monkeypatch, capsys)
    assert code == 0, err
    assert out.splitlines()[-1] == "traces: runs/small/traces.html"
    before = snapshot(tmp_path / "runs")
    for again in (given, ["report", "runs/small"]):
        assert main(again, monkeypatch, capsys)[0] == 0
        assert snapshot(tmp_path / "runs") == before
    page = tmp_path / "runs/small/traces.html"
    number = {}
    for limit in (0, 9):
        main(["report", "runs/small", "--traces", str(limit)], monkeypatch, capsys)
        number[limit] = len(embedded(page)["traces"])
    assert number[0] == 12 * 4 + 5 and 4 < number[9] <= 9
    page.unlink()
    main(["run", path.name, "--profile", "fake.yaml", "--name", "other"], monkeypatch, capsys)
    both = ["report", "runs/small", "runs/other", "--out", "both.html"]
    code, out, _ = main(both, monkeypatch, capsys)
    assert (code, "traces:" in out, page.exists()) == (0, False, False)


def test_a_run_that_is_to_be_gone_on_with_keeps_no_old_viewer(tmp_path: Path):
    path = project(tmp_path)
    page = viewer.write(run(path))
    run(path, selection=Selection(until=("drawn",)))
    assert page.exists()
    run(path, "steps.drawn.sample.sampling.n=5", selection=Selection(until=("drawn",)))
    assert not page.exists()
