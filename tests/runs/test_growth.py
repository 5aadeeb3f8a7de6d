"""What a changed recipe adds, and what it makes again."""

from __future__ import annotations

import dataclasses
import json

from reason_w2s.engines import fake
from reason_w2s.runs.makers import samples
from reason_w2s.runs.store import parts
from tests.runs.small import (
    RECIPE,
    again,
    problem,
    project,
    run,
    snapshot,
    texts,
)


def test_more_samples_are_added_to_those_there(tmp_path):
    path = project(tmp_path)
    before = run(path)
    old, old_parts = texts(before, "drawn"), snapshot(tmp_path / "runs" / "store" / "sample")
    after, steps = again(path, "steps.drawn.sample.sampling.n=8")
    new = texts(after, "drawn")
    assert len(new) - len(old) == 4 * 12
    assert {key: new[key] for key in old} == old
    assert {row.trace.index for row in after.rows("drawn")} == set(range(8))
    now = snapshot(tmp_path / "runs" / "store" / "sample")
    assert {name: now[name] for name in old_parts} == old_parts
    assert steps == ["drawn", "graded", "clean", "chosen", "pairs"]
    # the annotation tables grew; the old verdicts were not made again
    store = after.store
    assert after.items["graded"].key == before.items["graded"].key
    sizes = [len(parts(store.folder("check", after.items[name].key))) for name in ("graded",)]
    assert sizes == [2]


def test_fewer_samples_make_nothing_and_show_fewer(tmp_path):
    path = project(tmp_path)
    old = texts(run(path), "drawn")
    less, steps = again(path, "steps.drawn.sample.sampling.n=2")
    assert len(texts(less, "drawn")) == 2 * 12
    assert texts(less, "drawn").items() <= old.items()
    assert "drawn" not in steps
    assert "graded" not in steps


def test_more_tokens_redo_only_what_was_cut(tmp_path, monkeypatch):
    path = project(tmp_path)
    old = {row.trace.key: row.trace for row in run(path).rows("drawn")}
    asked = []
    real = samples._drawn

    def watched(work, todo, *rest):
        asked.extend(todo)
        return real(work, todo, *rest)

    monkeypatch.setattr(samples, "_drawn", watched)
    new = {
        row.trace.key: row.trace
        for row in run(path, "steps.drawn.sample.sampling.max_tokens=128").rows("drawn")
    }
    cut = {key for key, trace in old.items() if trace.finish_reason == "length"}
    assert cut
    assert len(asked) == len(cut) < len(old)
    assert new.keys() == old.keys()
    for key, trace in new.items():
        assert (trace.max_tokens == 128) is (key in cut)
        assert key in cut or trace == old[key]
    # and back: what was drawn under the old limit is still there
    less, steps = again(path)
    assert {row.trace.key: row.trace for row in less.rows("drawn")} == old
    assert steps == []


def test_fewer_tokens_keep_what_ended_in_time(tmp_path):
    path = project(tmp_path)
    run(path)
    less = run(path, "steps.drawn.sample.sampling.max_tokens=8")
    traces = [row.trace for row in less.rows("drawn")]
    assert all(trace.n_tokens <= 8 for trace in traces)
    assert any(trace.max_tokens == 64 and trace.finish_reason == "stop" for trace in traces)
    assert any(trace.max_tokens == 8 and trace.finish_reason == "length" for trace in traces)


def test_a_stop_that_comes_exactly_at_the_limit_is_noticed(tmp_path, monkeypatch):
    """The text stays the same, how it ended does not: what was chosen by that is chosen again."""
    complete = fake._complete

    def cut_at_the_limit(request, asked):
        made = complete(request, asked)
        full = made.n_tokens == request.sampling.max_tokens
        return dataclasses.replace(made, finish_reason="length") if full else made

    monkeypatch.setattr(fake, "_complete", cut_at_the_limit)
    recipe = RECIPE.replace("where: {graded.correct: true}", "where: {finish_reason: stop}")
    path = project(tmp_path, recipe.replace(", per: problem, take: 1", ""))
    stopped = [row.trace for row in run(path).rows("drawn") if row.trace.finish_reason == "stop"]
    longest = max(trace.n_tokens for trace in stopped)
    at_limit = run(path, f"steps.drawn.sample.sampling.max_tokens={longest}")
    above = run(path, f"steps.drawn.sample.sampling.max_tokens={longest + 1}")
    kept = [set(texts(one, "chosen")) for one in (at_limit, above)]
    assert kept[1] == {trace.key for trace in stopped}
    assert kept[1] - kept[0] == {trace.key for trace in stopped if trace.n_tokens == longest}


def test_a_larger_take_adds_only_the_new_problems(tmp_path, monkeypatch):
    path = project(tmp_path)
    old = texts(run(path, "problems.train.take=5"), "drawn")
    asked = []
    real = samples._drawn
    monkeypatch.setattr(
        samples,
        "_drawn",
        lambda work, todo, *rest: (asked.extend(todo), real(work, todo, *rest))[1],
    )
    new = texts(run(path, "problems.train.take=9"), "drawn")
    assert len(old) == 5 * 4
    assert len(asked) == 4 * 4
    assert {problem.id for problem, _ in asked} == {"p5", "p6", "p7", "p8"}
    assert old.items() <= new.items()


def test_a_changed_gold_is_graded_again(tmp_path):
    path = project(tmp_path)
    before = {row.trace.key: row.columns["graded.correct"] for row in run(path).rows("graded")}
    rows = [problem(number) for number in range(12)]
    rows[0]["answer"] = "1000"
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    changed, steps = again(path)
    assert "drawn" not in steps
    assert "graded" in steps
    for row in changed.rows("graded"):
        found = row.columns["graded.correct"]
        assert found is (False if row.problem.id == "p0" else before[row.trace.key])


def test_a_changed_question_is_asked_again(tmp_path):
    path = project(tmp_path)
    old = texts(run(path), "drawn")
    rows = [problem(number) for number in range(12)]
    rows[3]["question"] += " Think."
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert len(texts(run(path), "drawn").keys() - old.keys()) == 4


def test_settings_of_an_upper_step_reach_choices_below_a_choice(tmp_path):
    """`chosen` reads columns of `clean` through `ended`, whose own content does not change."""
    ended = "  ended: {select: {of: clean, where: {finish_reason: stop}}}\n  chosen:"
    recipe = RECIPE.replace("  chosen:", ended)
    recipe = recipe.replace(
        "{of: clean, where: {graded.correct: true}", "{of: ended, where: {clean.n_steps: {min: 2}}"
    )
    path = project(tmp_path, recipe)
    lax = run(path)
    strict = run(path, "steps.clean.stepcheck.steps=marks")
    assert texts(lax, "ended") == texts(strict, "ended")
    assert len(texts(lax, "chosen")) > 5
    assert texts(strict, "chosen") == {}, "no text has marks, so each is one step"
