"""What a limit would cut, and pairs that differ in their length."""

from __future__ import annotations

import json

import pytest

from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Selection
from tests.doctor.cases import (
    IMPORTED,
    SOLVED,
    diagnose,
    facts,
    findings,
    only,
    project,
    traces,
    unchecked,
)
from tests.runs import small

pytestmark = pytest.mark.torch
pytest.importorskip("trl")

LIMIT = "steps.tuned.train.trainer.max_length={}"


def test_examples_longer_than_the_limit(tmp_path):
    path = project(tmp_path, SOLVED)
    (fact,) = facts(diagnose(path), "lengths")
    longest = fact.data["longest"]
    rows = [json.loads(line) for line in (tmp_path / "data.jsonl").read_text().splitlines()]
    for row in rows[:3]:
        row["solution"] += " and so on" * 40
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = only(diagnose(path, LIMIT.format(longest)))
    assert f"3 of 60 examples (5.0%) are longer than {longest} tokens: problems p0 (" in found.what
    assert found.severity == "error"
    assert found.where.endswith("steps.tuned.train.trainer.max_length")
    assert not findings(diagnose(path))


def test_the_models_positions_are_a_limit_too(tmp_path):
    path = project(tmp_path, SOLVED)
    config = tmp_path / "student" / "config.json"
    settings = {**json.loads(config.read_text()), "max_position_embeddings": 64}
    config.write_text(json.dumps(settings))
    assert "60 of 60 examples (100.0%) are longer than 64 tokens" in only(diagnose(path)).what


def test_imported_traces_before_any_choice_are_a_warning(tmp_path):
    path = project(tmp_path, IMPORTED)
    traces(tmp_path, [{"response": "one two " * 400}] * 6 + [{"response": "\\boxed{3}"}] * 54)
    found = only(diagnose(path, LIMIT.format(512)))
    assert found.severity == "warning"
    assert "6 of 60 examples" in found.what
    assert "unless a later step drops them" in found.why


def test_before_sampling_max_tokens_says_what_could_come(tmp_path):
    path = project(tmp_path)
    long = "steps.drawn.sample.sampling.max_tokens=2048"
    found = only(diagnose(path, long, LIMIT.format(1024)))
    assert "up to 2,048 tokens" in found.what and "1,024 (estimated" in found.what
    assert found.severity == "warning"
    bounded = diagnose(
        path, long, LIMIT.format(1024), 'steps.chosen.select.where={"n_tokens": {"max": 600}}'
    )
    assert not findings(bounded)
    tight = diagnose(path, LIMIT.format(256))
    assert not findings(tight)
    assert "whether all examples of 'tuned' fit" in unchecked(tight)


PAIRS = IMPORTED.replace(
    "  chosen: {select: {of: graded, where: {finish_reason: stop, graded.correct: true}}}\n",
    "  pairs: {pair: {of: graded, rules: [{chosen: {graded.correct: true}, "
    "rejected: {graded.correct: false}}]}}\n",
).replace(
    "{objective: sft, init: student, of: chosen, batch: 8, updates: 20}",
    "{objective: dpo, init: student, of: pairs, batch: 8, updates: 20}",
)


@pytest.mark.parametrize("apart", [0, 30])
def test_pairs_that_differ_mostly_in_length(tmp_path, apart):
    path = project(tmp_path, PAIRS)
    rows = [json.loads(line) for line in (tmp_path / "data.jsonl").read_text().splitlines()]
    said = [
        {"id": row["id"], "done": "stop", "response": f"{'so ' * long}\\boxed{{{answer}}}"}
        for at, row in enumerate(rows)
        for answer, long in ((row["answer"], at % 7 + 1 + apart), ("-1", at % 7 + 1))
    ]
    (tmp_path / "traces.jsonl").write_text("\n".join(map(json.dumps, said)))
    before = diagnose(path)
    assert "whether the pairs of 'tuned' differ mostly in length: not made yet" in unchecked(before)
    small.run(path, name="sound", profile=small.FAKE, selection=Selection(until=("pairs",)))
    found = diagnose(path, profile=Profile(isolate="none", sampler="fake"))
    (fact,) = facts(found, "pairs")
    if apart:
        assert fact.data["auc"] == 1.0
        assert "the longer side is mostly the chosen one" in only(found).what
    else:
        assert 0.4 < fact.data["auc"] < 0.6
        assert not findings(found)
