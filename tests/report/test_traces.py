"""What the viewer gathers of a run: against the run's own rows, and which problems are sampled."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reason_w2s.records import Problem, Row, Trace
from reason_w2s.report.traces import (
    UNPAIRED,
    Asked,
    Collected,
    collect,
    sampled,
    step_ends,
    verdict,
)
from reason_w2s.report.viewer import content
from reason_w2s.runs.harness import HARNESS
from reason_w2s.runs.items import Item
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import Cost, Store, write_part
from tests.runs.small import RECIPE, problem, project, run

MORE = """\
  again: {sample: {model: weak, of: train, sampling: {n: 2, max_tokens: 64}}}
  other: {sample: {model: weak, of: more, sampling: {n: 1, max_tokens: 64}}}
  both: {check: {of: [drawn, other], kind: number}}
  sound: {select: {of: chosen, where: {clean.flags: none}}}
  late: {stepcheck: {of: chosen}}
  few:
    pair: {of: clean, rules: [{chosen: {graded.correct: true}, rejected: {finish_reason: length}}]}
  unlabelled: {sample: {model: weak, of: hidden, sampling: {n: 4, max_tokens: 64}}}
  ungraded: {check: {of: unlabelled, kind: number}}
"""


def recipe() -> str:
    more = "  train: {source: jsonl, file: data.jsonl}\n"
    sets = more + "  more: {source: jsonl, file: more.jsonl}\n"
    sets += "  hidden: {source: jsonl, file: data.jsonl, take: 3, labels: none}\n"
    return RECIPE.replace(more, sets) + MORE


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("traces")
    path = project(folder, recipe())
    # of p0 and p1 the ids, but other questions
    rows = [{**problem(number), "id": f"p{number - 20}"} for number in (20, 21)]
    (folder / "more.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return run(path)


def asked(problem_: Problem) -> tuple[str, str]:
    return problem_.id, problem_.question


def test_every_trace_is_there_once_with_the_columns_of_all_its_steps(done: Run):
    found = collect(done, 0)
    by_key = {one.row.trace.key: one for one in found.traces if one.steps != ["unlabelled"]}
    drawn = {row.trace.key: row for step in ("drawn", "other") for row in done.rows(step)}
    assert len(by_key) == 12 * 4 + 2
    assert len(found.traces) == found.n_traces == len(by_key) + 3 * 4
    assert {key: one.row.trace.text for key, one in by_key.items()} == {
        key: row.trace.text for key, row in drawn.items()
    }
    for step in ("clean", "both", "late"):
        rows = list(done.rows(step))
        assert rows
        for row in rows:
            assert row.columns.items() <= by_key[row.trace.key].row.columns.items(), step
    # a check that only saw some has no columns elsewhere
    with_late = {key for key, one in by_key.items() if "late.flags" in one.row.columns}
    assert with_late == {row.trace.key for row in done.rows("chosen")}


def test_a_sample_that_two_steps_drew_is_one_trace(done: Run):
    steps = Counter(tuple(one.steps) for one in collect(done, 0).traces)
    assert steps == {
        ("drawn", "again"): 24,
        ("drawn",): 24,
        ("other",): 2,
        ("unlabelled",): 12,
    }


def test_one_id_may_be_several_problems(done: Run):
    """Here of two questions, and of one that is asked with and without its gold."""
    found = collect(done, 0)
    links = {link: one for link, one in found.problems.values()}
    assert found.n_problems == len(links) == 17
    asked_ = [(links[link].question, links[link].gold) for link in ("p0", "p0~2", "p0~3")]
    questions = [problem(number)["question"] for number in (0, 20)]
    assert asked_ == [(questions[0], "3"), (questions[1], "43"), (questions[0], None)]
    hidden = [one for one in found.traces if one.steps == ["unlabelled"]]
    assert all(one.row.columns["ungraded.status"] is None for one in hidden)
    assert all(one.asked.graded_by == repr((None, None)) for one in hidden)


def test_traces_come_in_the_order_of_their_problems(done: Run):
    order = [asked(one.row.problem) for one in collect(done, 0).traces]
    assert list(dict.fromkeys(order)) == [
        asked(one) for step in ("train", "more") for one in done.problems(step)
    ]
    places = [list(collect(done, 0).problems).index(one.asked) for one in collect(done, 0).traces]
    assert places == sorted(places)


def test_every_choosing_step_says_what_it_did_to_what_it_read(done: Run):
    found = collect(done, 0)
    labelled = [one for one in found.traces if one.steps != ["unlabelled"]]
    fates = {one.row.trace.key: {fate.step: fate for fate in one.fates} for one in labelled}
    for step, before in (("chosen", "clean"), ("sound", "chosen")):
        reasons = done.dropped(step)
        read = [row.trace.key for row in done.rows(before)]
        assert {key for key, one in fates.items() if step in one} == set(read)
        for key in read:
            fate = fates[key][step]
            assert (fate.kept, fate.words) == (key not in reasons, reasons.get(key, "kept"))


@pytest.mark.parametrize("step", ["pairs", "few"])
def test_pairs_and_what_is_in_none(done: Run, step: str):
    found = collect(done, 0)
    pairs, _ = done.pairs(step)
    mine = [one for one in found.pairs if one.step == step]
    assert {(one.chosen.row.trace.key, one.rejected.row.trace.key) for one in mine} == {
        (one.chosen, one.rejected) for one in pairs
    }
    assert len(mine) == len(pairs)
    reasons = done.dropped(step)
    fates = {
        one.row.trace.key: fate for one in found.traces for fate in one.fates if fate.step == step
    }
    assert set(fates) == {row.trace.key for row in done.rows("clean")}
    for row in done.rows("clean"):
        key = row.trace.key
        sides = [
            side for one in pairs for side in ("chosen", "rejected") if getattr(one, side) == key
        ]
        reason = reasons.get(row.problem.id, UNPAIRED)
        assert fates[key].words == (sides[0] if sides else reason)
        assert fates[key].kept is bool(sides)
    assert {UNPAIRED, "chosen", "rejected"} <= {fate.words for fate in fates.values()}
    assert step == "pairs" or {fate.words for fate in fates.values()} & set(reasons.values())


def test_all_pairs_are_counted(done: Run):
    number = sum(len(done.pairs(step)[0]) for step in ("pairs", "few"))
    assert collect(done, 0).n_pairs == collect(done, 8).n_pairs == number


@pytest.mark.parametrize("limit", [1, 9, 30, 49])
def test_a_limit_leaves_whole_problems(done: Run, limit: int):
    everything, some = collect(done, 0), collect(done, limit)
    assert (some.n_traces, some.n_problems, some.n_pairs) == (
        everything.n_traces,
        everything.n_problems,
        everything.n_pairs,
    )
    assert len(some.traces) <= max(limit, 4)
    kept = {one.asked for one in some.traces}
    assert [shown(one) for one in some.traces] == [
        shown(one) for one in everything.traces if one.asked in kept
    ]
    assert keys(some) == [one for one in keys(everything) if one[0] in kept]


def shown(one):
    return one.row, one.steps, one.fates


def keys(found: Collected) -> list:
    return [(one.chosen.asked, one.chosen.row.trace.key) for one in found.pairs]


SIZES = st.dictionaries(
    st.builds(Asked, st.text(max_size=3), st.just("q"), st.just("")),
    st.integers(1, 9),
    max_size=12,
)


@given(SIZES, st.integers(1, 40), st.integers(0, 40))
def test_a_greater_limit_takes_nothing_away(sizes, limit, more):
    few, many = sampled(sizes, limit), sampled(sizes, limit + more)
    assert few <= many <= set(sizes)
    assert sum(sizes[one] for one in few) <= limit or len(few) == 1
    assert bool(few) is bool(sizes)
    assert sampled(dict(reversed(sizes.items())), limit) == few


@given(SIZES)
def test_nothing_is_left_out_where_all_fit(sizes):
    assert sampled(sizes, 0) == sampled(sizes, max(1, sum(sizes.values()))) == set(sizes)


def test_the_lot_is_no_beginning_of_the_run():
    sizes = {Asked(f"p{number}", "q", ""): 1 for number in range(1000)}
    places = [int(one.id[1:]) for one in sampled(sizes, 300)]
    assert len(places) == 300
    assert 400 < sum(places) / 300 < 600


@pytest.mark.parametrize(
    ("status", "correct", "word"),
    [
        ("correct", True, "correct"),
        ("wrong", False, "wrong"),
        ("no_answer", False, "no answer"),
        ("unparseable_gold", None, "undecided"),
        ("timeout", None, "undecided"),
        (None, None, None),
    ],
)
def test_a_verdict_in_words(status, correct, word):
    assert verdict(status, correct) == word


def test_steps_end_where_a_script_counts_them():
    trace = Trace(
        key="k", problem_id="p", model="m", index=0, text="x \U0001d465\n\ud800é\nb",
        finish_reason="stop", n_prompt=0, n_tokens=1,
    )  # fmt: skip
    row = Row(trace, Problem(id="p", question="q"), {"clean.ends": [4, 7, 8]})
    assert step_ends(row, "clean") == [5, 8, 9]
    assert step_ends(row, "other") is None
    plain = replace(row, trace=replace(trace, text="x x\n  \nb"))
    assert step_ends(plain, "clean") == [4, 7, 8]


def test_what_lm_eval_measured_is_traces_too(tmp_path: Path):
    item = Item("eval/m/t/graded", "harness", "traces", "k", "d", extent=dict.fromkeys(
        ("model", "metric", "filter"))
    )  # fmt: skip
    store = Store(tmp_path / "store")
    row = {"task": "t", "filter": "none", "metrics": '{"acc": 1}', "prompt": "Q", "response": "A",
           "answer": "A", "target": "A", "finish_reason": "stop", "n_tokens": 1}  # fmt: skip
    rows = [{**row, "doc_id": number, "doc_hash": str(number)} for number in range(3)]
    write_part(store.folder("harness", "k"), rows, HARNESS, Cost("run", 0.0, 0.0))
    done = Run(tmp_path / "run", store, {item.step: item})
    found = collect(done, 2)
    assert (found.n_traces, len(found.traces), found.traces[0].steps) == (3, 2, [item.step])
    assert found.traces[0].row.columns["eval/m/t/graded.status"] == "correct"
    shown = content(found, done, {})
    assert shown["verdicts"] == [("eval/m/t/graded", "correct")]


def test_a_run_without_traces(tmp_path: Path):
    path = project(tmp_path, RECIPE[: RECIPE.index("steps:")])
    found = collect(run(path))
    assert (found.traces, found.pairs, found.n_traces, found.n_problems) == ([], [], 0, 0)
