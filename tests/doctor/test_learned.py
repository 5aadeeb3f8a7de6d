"""What would be learned, broken under the real templates that break it."""

from __future__ import annotations

import json

import pytest

from reason_w2s.engines.model_folder import save_prompt
from reason_w2s.prompts import load
from tests.doctor.cases import (
    IMPORTED,
    RECIPE,
    SOLVED,
    diagnose,
    facts,
    findings,
    model,
    only,
    project,
    traces,
    unchecked,
)

pytestmark = pytest.mark.torch
pytest.importorskip("trl")

R1_END = "<\uff5cend▁of▁sentence\uff5c>"
SHOT = (
    '{template: "{question}", chat: true, shots: '
    '[{question: "1 + 1?", response: "<think>One and one.</think>2"}]}'
)


def test_a_sound_recipe_has_no_finding(tmp_path):
    for text in (RECIPE, IMPORTED, SOLVED):
        found = diagnose(project(tmp_path, text))
        assert not findings(found), findings(found)
        assert found.status == 0
        (rows,) = facts(found, "rows")
        assert "whole answers are learned, and end in '<|im_end|>'" in rows.text


def test_a_template_that_deletes_the_reasoning_of_earlier_turns(tmp_path):
    path = project(tmp_path)
    model(tmp_path / "student", "deepseek_r1_distill", R1_END)
    asked = [f"models.{name}.prompt={SHOT}" for name in ("student", "weak")]
    found = only(diagnose(path, *asked))
    assert "deletes text from the assistant turn" in found.what
    assert found.severity == "error"
    assert found.where == f"{path}: steps.tuned.train"
    model(tmp_path / "student", "qwen2_5")
    assert not findings(diagnose(path, *asked)), "Qwen2.5's template keeps it"


def test_a_teacher_that_opens_its_thought_in_the_prompt(tmp_path):
    """Its traces hold </think> alone; a student that is asked plainly would learn that."""
    path = project(tmp_path)
    model(tmp_path / "weak", "deepseek_r1_distill", R1_END)
    found = diagnose(path, "models.weak.prompt=r1_think")
    errors = [one for one in findings(found) if one.severity == "error"]
    assert len(errors) == 1
    assert "hold </think> without a <think>, and the prompt opens none" in errors[0].what
    assert "made-up trace" in errors[0].what
    assert found.status == 2
    both = diagnose(path, "models.weak.prompt=r1_think", "models.student.prompt=r1_think")
    assert not findings(both)


def test_a_tokenizer_without_an_end_token(tmp_path):
    path = project(tmp_path, SOLVED)
    file = tmp_path / "student" / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "eos_token": None}))
    assert "the tokenizer has no end token to learn" in only(diagnose(path)).what


def test_answers_that_hold_the_end_token(tmp_path):
    path = project(tmp_path, IMPORTED)
    traces(tmp_path, [{"response": "It is \\boxed{3}.<|im_end|> More."}] * 60)
    said = [one.what for one in findings(diagnose(path))]
    assert any("60 of 60 answers hold an end token before their end" in what for what in said), said


@pytest.mark.parametrize(
    ("mark", "why"),
    [
        ("<|eot_id|>", "learns to write another model's turns as text"),
        ("<|im_start|>", "reads <|im_start|> as that token"),
    ],
)
def test_marks_of_a_template_in_the_traces(tmp_path, mark, why):
    path = project(tmp_path, IMPORTED)
    traces(tmp_path, [{"response": f"{mark}It is \\boxed{{3}}."}] * 20 + [{"response": "3"}] * 40)
    found = next(one for one in findings(diagnose(path)) if f"hold {mark} as text" in one.what)
    assert "20 of 60 answers" in found.what
    assert why in found.why
    assert found.severity == "warning"


def test_cut_answers_teach_no_end(tmp_path):
    path = project(tmp_path, IMPORTED)
    cut = [{"response": f"It is {n} + ", "done": "length"} for n in range(6)]
    traces(tmp_path, [*cut, *[{"response": f"So \\boxed{{{n}}}."} for n in range(54)]])
    anyhow = 'steps.chosen.select.where={"finish_reason": {"in": ["stop", "length"]}}'
    found = only(diagnose(path, anyhow))
    assert "6 of 60 answers were cut" in found.what
    assert "finish_reason: stop" in found.todo
    assert not findings(diagnose(path)), "the recipe keeps what ended by itself"


def test_families_and_tokenizers_are_named(tmp_path):
    path = project(tmp_path)
    (same,) = facts(diagnose(path), "tokenizers")
    assert same.data["same"] is True
    model(tmp_path / "weak", "llama3", "<|eot_id|>")
    (other,) = facts(diagnose(path), "tokenizers")
    assert other.data["same"] is False
    assert "learned from text, not from ids" in other.text


def test_what_is_not_here_is_said_and_no_finding(tmp_path, monkeypatch):
    path = project(tmp_path)
    found = diagnose(path, "models.student.path=nobody/nothing-7B")
    assert not findings(found)
    assert "what 'tuned' learns, in tokens: the tokenizer of nobody/nothing-7B" in unchecked(found)
    assert "hf download nobody/nothing-7B" in unchecked(found)


def test_measured_with_another_prompt(tmp_path):
    path = project(tmp_path)
    found = only(diagnose(path, "suites.suite.prompt=qa"))
    assert found.severity == "warning"
    assert "is measured with 'Question: {question}\\nAnswer:'" in found.what
    assert found.where == f"{path}: suites.suite.prompt"


def test_sampled_with_another_prompt_is_worth_a_note(tmp_path):
    found = diagnose(project(tmp_path), "models.weak.prompt=zero_shot_cot")
    assert only(found).severity == "note"
    assert "its traces are learned as answers to" in only(found).what
    assert found.status == 0


def test_a_suite_of_lm_evals_tasks_asks_by_itself(tmp_path):
    path = project(tmp_path)
    found = diagnose(path, "evaluate.suites=[suite.yaml, ifeval]")
    assert not findings(found), findings(found)


def test_a_checkpoints_own_prompt_is_the_one_it_is_taught_with(tmp_path):
    path = project(tmp_path, SOLVED)
    save_prompt(tmp_path / "student", load("r1_think"))
    found = diagnose(path, "models.student.prompt=null")
    assert "never close the <think> that the prompt opens" in only(found).what
