"""What plan and doctor say of score steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reason_w2s.doctor import outlook
from reason_w2s.doctor.memory import GIB
from reason_w2s.engines.scorer import BATCH_TOKENS, LOGITS_BYTES
from reason_w2s.runs.store import read_json
from tests.doctor.cases import RECIPE, ROOMY, diagnose, facts, findings, model, project
from tests.doctor.test_outlook import looked
from tests.runs import small

pytestmark = pytest.mark.torch
pytest.importorskip("transformers")

SCORED = RECIPE.replace(
    "  chosen:",
    "  ce: {score: {of: graded, kind: contrast, positive: student, negative: weak}}\n  chosen:",
)


def test_a_sound_one_and_the_memory_it_takes(tmp_path) -> None:
    """Qwen2 of the cases' config, in bfloat16: two models' weights, caches, logits and copies."""
    found = diagnose(project(tmp_path, SCORED))
    assert not findings(found)
    (fact,) = (one for one in facts(found, "memory") if one.data["steps"] == ["ce"])
    layer = 64 * (64 + 2 * 32) + 64 + 2 * 32 + 64 * 64 + 3 * 64 * 128 + 2 * 64
    parameters = 2 * 400 * 64 + 2 * layer + 64
    cache = 2 * 2 * 32 * 2 * BATCH_TOKENS
    needed = 2 * (2 * parameters + cache) + LOGITS_BYTES // 4 * (2 * 6 + 12)
    assert fact.data["gib"] == round(needed / GIB, 2)


def test_models_of_other_tokens(tmp_path) -> None:
    path = project(tmp_path, SCORED)
    model(tmp_path / "weak", end="<|other|>")
    found = [one for one in findings(diagnose(path)) if "vocabulary" in one.what]
    assert [one.what.partition(" (")[0] for one in found] == [
        "'student' and 'weak' do not share a vocabulary"
    ]
    assert found[0].where == f"{path}: steps.ce.score"


def test_too_little_memory(tmp_path) -> None:
    little = replace(ROOMY, memory_bytes=GIB)
    found = findings(diagnose(project(tmp_path, SCORED), machine=little))
    (only,) = (one for one in found if "'ce' takes about 1." in one.what)
    assert "and this machine has 1.0 GiB" in only.what
    assert only.todo == "score under smaller models, or on a larger device"


def test_the_outlook_counts_traces_and_goes_by_measured_rates(tmp_path) -> None:
    path = project(tmp_path, SCORED)
    _, found = looked(path)
    assert found["ce"].told == f"at most 240 traces under student and weak; {outlook.NO_RATE}"


def test_a_measured_rate_is_that_of_tokens_scored(tmp_path, tiny_model) -> None:
    text = small.RECIPE.replace("nobody/weak", str(tiny_model))
    text += "  fit: {score: {of: clean, kind: logprobs, model: weak}}\n"
    path = small.project(tmp_path, text, n=3)
    done = small.run(path, name="before")
    (row,) = (row for row in read_json(done.folder / "ledger.json")["rows"] if row["step"] == "fit")
    assert row["tokens_scored"] == done.items["fit"].counts["tokens"] > 0
    _, same = looked(path)
    assert same["fit"].made_by == str(done.folder)
    _, more = looked(path, "steps.drawn.sample.sampling.n=5")
    assert more["fit"].tokens_per_s == pytest.approx(row["tokens_scored"] / row["seconds"])
    assert "tokens; about" in more["fit"].told
