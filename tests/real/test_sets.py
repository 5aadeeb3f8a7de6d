"""The problem sets beside the checkout: as many rows as their README says, all of them problems."""

from __future__ import annotations

from collections import Counter

import pytest

from reason_w2s.errors import DataError
from reason_w2s.problems.load import load
from reason_w2s.problems.spec import ProblemSpec
from tests.answers.shared_data import SHARED, rows

SIZES = {
    "gsm8k_train": 7473,
    "gsm8k_test": 1319,
    "gsm8k_test_socratic": 1319,
    "math_train": 7500,
    "math_test": 5000,
    "math500": 500,
    "aime24": 30,
    "amc23": 40,
    "aime25": 30,
    "olympiadbench_oe_to_maths_en": 675,
    "svamp": 1000,
    "asdiv": 2215,
    "mawps": 2065,
    "multiarith": 600,
    "sat_math": 32,
    "aqua": 254,
    "gsm_hard": 1319,
    "tabmwp_test1k": 1000,
}
SOURCES = {
    "gsm8k_train": "gsm8k",
    "gsm8k_test": "gsm8k",
    "math_train": "math",
    "math_test": "math",
    "math500": "math",
    "asdiv": "asdiv",
}
WITHOUT_GOLD = "math_train"


def spec(name, **settings):
    file = str(SHARED / "data" / "sets" / f"{name}.jsonl.gz")
    source = SOURCES.get(name, "jsonl")
    return ProblemSpec.model_validate({"source": source, "file": file, **settings})


@pytest.mark.parametrize("name", [name for name in SIZES if name != WITHOUT_GOLD])
def test_every_row_of_a_set_is_a_problem_with_gold(name):
    raw = rows(f"sets/{name}.jsonl.gz")
    problems = load(spec(name), labels="gold", seed=0)
    assert len(raw) == len(problems) == SIZES[name]
    for row, problem in zip(raw, problems, strict=True):
        gold = row["answer"]
        asked = problem.question.partition("\nAnswer choices:\n")
        assert (problem.id, asked[0]) == (row["id"], row["question"])
        assert bool(asked[2]) is (problem.options is not None)
        assert problem.gold == (tuple(gold) if isinstance(gold, list) else gold)
        assert problem.gold and all(problem.gold)


def test_two_rows_of_math_train_have_no_answer():
    assert len(rows("sets/math_train.jsonl.gz")) == SIZES[WITHOUT_GOLD]
    problems = load(spec(WITHOUT_GOLD), labels="gold", seed=0)
    assert len(problems) == SIZES[WITHOUT_GOLD]
    without = {problem.id for problem in problems if problem.gold is None}
    assert without == {"math-train-number_theory-7115", "math-train-number_theory-7117"}
    with pytest.raises(DataError, match=r"math_train\.jsonl\.gz:5530: 'answer' is missing"):
        load(spec(WITHOUT_GOLD, source="jsonl"), labels="gold", seed=0)


def test_graders_rows_are_as_many_as_their_readme_says():
    written = rows("graders_dev.jsonl")
    assert Counter(row["kind"] for row in written) == {"answer": 611, "response": 126}
    assert sum(bool(row.get("ambiguous")) for row in written) == 90
    real = rows("graders_real_dev.jsonl")
    clear = [row for row in real if not row.get("ambiguous")]
    assert (len(real), sum(row["equal"] is True for row in clear)) == (441, 97)
