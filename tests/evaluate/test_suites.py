"""The shipped suites: rows as the hub has them, whole local copies, several suites in one run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reason_w2s.answers import check, equal
from reason_w2s.problems import rows as row_module
from reason_w2s.problems.load import load
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.recipe.given import Given
from reason_w2s.recipe.load import SUITES, eval_recipe, plan_of, suite
from reason_w2s.recipe.yaml_file import header
from tests.answers.shared_data import SHARED, rows
from tests.runs.small import main

HARNESS = ("ifeval", "mmlu")
NAMES = sorted({path.stem for path in SUITES.glob("*.yaml")} - set(HARNESS))
OWN = SUITES / "examples" / "own.yaml"

HUB = {
    "gsm8k": (
        ("openai/gsm8k", "main", "test"),
        {"question": "How many?", "answer": "1+1 = <<1+1=2>>2\n#### 2"},
        {"id": "gsm8k-test-0", "gold": "2", "level": 1},
    ),
    "gsm8k_platinum": (
        ("madrylab/gsm8k-platinum", "main", "test"),
        {"question": "How many?", "answer": "So 2.\n#### 2", "cleaning_status": "verified"},
        {"id": "gsm8k-test-0", "gold": "2", "meta": {"cleaning_status": "verified"}},
    ),
    "math500": (
        ("HuggingFaceH4/MATH-500", None, "test"),
        {
            "problem": "How many?",
            "solution": r"\boxed{2}",
            "answer": "2",
            "subject": "Algebra",
            "level": 4,
            "unique_id": "test/algebra/1.json",
        },
        {"id": "test/algebra/1.json", "gold": "2", "level": 4, "subject": "Algebra"},
    ),
    "math": (
        ("EleutherAI/hendrycks_math", "algebra", "test"),
        {"problem": "How many?", "level": "Level 5", "type": "Algebra", "solution": r"\boxed{2}"},
        {"id": "math-test-0", "gold": "2", "level": 5, "subject": "Algebra"},
    ),
    "aime24": (
        ("HuggingFaceH4/aime_2024", None, "train"),
        {
            "id": 60,
            "problem": "How many?",
            "solution": "So 204.",
            "answer": "204",
            "url": "https://",
            "year": "2024",
        },
        {"id": "60", "gold": "204", "solution": "So 204."},
    ),
    "aime25": (
        ("math-ai/aime25", None, "test"),
        {"problem": "How many?", "answer": "70", "id": "0"},
        {"id": "0", "gold": "70"},
    ),
    "amc23": (
        ("math-ai/amc23", None, "test"),
        {"id": 0, "question": "How many?", "answer": 27.0, "url": "https://"},
        {"id": "0", "gold": "27.0"},
    ),
    "olympiadbench": (
        ("Hothan/OlympiadBench", "OE_TO_maths_en_COMP", "train"),
        {
            "id": 1606,
            "question": "How many?",
            "solution": ["Two.", "Another way: two."],
            "final_answer": ["2"],
            "subfield": "Combinatorics",
            "subject": "Math",
            "is_multiple_answer": False,
        },
        {"id": "1606", "gold": ("2",), "subject": "Combinatorics", "solution": "Two."},
    ),
    "svamp": (
        ("ChilleD/SVAMP", None, "train+test"),
        {
            "ID": "chal-777",
            "Body": "Two pens.",
            "Question": "How many?",
            "question_concat": "Two pens. How many?",
            "Equation": "( 2.0 + 0.0 )",
            "Answer": "2",
            "Type": "Addition",
        },
        {"id": "chal-777", "question": "Two pens. How many?", "gold": "2", "subject": "Addition"},
    ),
    "asdiv": (
        ("EleutherAI/asdiv", None, "validation"),
        {
            "body": "Two pens.",
            "question": "How many?",
            "solution_type": "Addition",
            "answer": "2 (pens)",
            "formula": "1+1=2",
        },
        {"id": "asdiv-0", "question": "Two pens. How many?", "gold": "2", "subject": "Addition"},
    ),
    "multiarith": (
        ("ChilleD/MultiArith", None, "train+test"),
        {"question": "How many?", "final_ans": "2"},
        {"gold": "2"},
    ),
    "gsm_hard": (
        ("reasoning-machines/gsm-hard", None, "train"),
        {"input": "How many?", "code": "def solution():", "target": 3244047.0999999996},
        {"gold": "3244047.0999999996"},
    ),
    "aqua": (
        ("deepmind/aqua_rat", "raw", "test"),
        {
            "question": "How many?",
            "options": ["A)21", "B)21.5", "C)22", "D)22.5", "E)23"],
            "rationale": "So 21.",
            "correct": "A",
        },
        {
            "question": "How many?\nAnswer choices:\nA) 21\nB) 21.5\nC) 22\nD) 22.5\nE) 23",
            "gold": "A",
            "options": ("A)21", "B)21.5", "C)22", "D)22.5", "E)23"),
            "solution": "So 21.",
        },
    ),
}

FILES = {
    "gsm8k": ("gsm8k_test", 1319, {"level"}),
    "gsm8k_platinum": ("gsm8k_test", 1319, {"level"}),
    "math500": ("math500", 500, {"level", "subject"}),
    "math": ("math_test", 5000, {"level", "subject"}),
    "aime24": ("aime24", 30, set()),
    "aime25": ("aime25", 30, set()),
    "amc23": ("amc23", 40, set()),
    "olympiadbench": ("olympiadbench_oe_to_maths_en", 675, {"subject"}),
    "svamp": ("svamp", 1000, {"subject"}),
    "asdiv": ("asdiv", 2215, {"subject"}),
    "multiarith": ("multiarith", 600, set()),
    "gsm_hard": ("gsm_hard", 1319, set()),
    "aqua": ("aqua", 254, {"options"}),
}
"""Each suite: a local copy of its set, the rows, what all problems (of levels: some) have."""


def on_the_hub(monkeypatch, found):
    """A hub whose sets hold `found` in their first configuration; what it was asked."""
    asked = []

    def answer(path, name, *, split, revision, columns):
        asked.append((path, name, split))
        return found if len(asked) == 1 else []

    monkeypatch.setattr(row_module.hub, "rows", answer)
    return asked


def copy_of(name):
    return SHARED / "data" / "sets" / f"{FILES[name][0]}.jsonl.gz"


def from_file(name):
    raw = rows(f"sets/{FILES[name][0]}.jsonl.gz")
    spec = suite(name, {"problems": {"file": str(copy_of(name))}})
    return raw, spec, load(spec.problems, labels="gold", seed=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_says_what_it_is_and_how_it_is_sampled(name):
    assert header(SUITES / f"{name}.yaml").splitlines()[0].endswith((".", "16).", "32)."))
    sampling = suite(name).sampling
    assert (sampling.temperature == 0) is (sampling.n == 1), "greedy is asked once"


def test_every_suite_of_a_published_set_is_tested_here():
    assert set(NAMES) - {"world", "world_held_out"} == set(HUB) == set(FILES)


@pytest.mark.parametrize("name", HUB)
def test_a_row_of_the_hub(name, monkeypatch):
    place, row, expected = HUB[name]
    asked = on_the_hub(monkeypatch, [row])
    spec = suite(name)
    (found,) = load(spec.problems, labels="gold", seed=0)
    assert asked[0] == place
    whole = {"question": "How many?", **expected}
    assert {key: getattr(found, key) for key in whole} == whole
    verdict = equal(
        found.gold if isinstance(found.gold, str) else found.gold[0],
        found.gold,
        spec.check.kind,
        found.options,
        rel_tol=spec.check.rel_tol,
    )
    assert verdict.correct is True


@pytest.mark.parametrize("name", FILES)
def test_a_local_copy_gives_the_same_problems(name):
    raw, spec, found = from_file(name)
    assert len(found) == len(raw) == FILES[name][1]
    assert [one.id for one in found] == [row["id"] for row in raw]
    for row, one in zip(raw, found, strict=True):
        assert one.question.startswith(row["question"])
        assert one.gold == (
            tuple(row["answer"]) if isinstance(row["answer"], list) else row["answer"]
        )
    have = {
        key for key in ("level", "subject", "options") if any(getattr(one, key) for one in found)
    }
    assert have == FILES[name][2]
    for key in have - {"level"}:
        assert all(getattr(one, key) for one in found)
    assert spec.problems.file == str(copy_of(name))


@pytest.mark.parametrize("name", FILES)
def test_every_gold_is_right_by_itself_and_in_a_box(name):
    _, spec, found = from_file(name)
    unequal = []
    for one in found:
        golds = (one.gold,) if isinstance(one.gold, str) else one.gold
        asked = (one.gold, spec.check.kind, one.options)
        for gold in golds:
            boxed = rf"So it is \boxed{{{gold.strip('$').removesuffix('$.')}}}."
            verdicts = (
                equal(gold, *asked, rel_tol=spec.check.rel_tol),
                check(boxed, *asked, rel_tol=spec.check.rel_tol),
            )
            if not all(verdict.correct for verdict in verdicts):
                unequal.append((one.id, gold, verdicts))
    assert not unequal


def test_levels_and_subjects_of_math():
    for name in ("math", "math500"):
        _, _, found = from_file(name)
        assert {one.level for one in found} == {1, 2, 3, 4, 5}
        assert len({one.subject for one in found}) == 7


@pytest.mark.torch
def test_both_splits_of_a_set_are_read_as_one(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "set").mkdir()
    for split, number in (("train", 1), ("test", 2)):
        row = {**HUB["svamp"][1], "ID": f"chal-{number}"}
        (tmp_path / "set" / f"{split}.jsonl").write_text(json.dumps(row))
    patch = {"problems": {"path": str(tmp_path / "set")}}
    found = load(suite("svamp", patch).problems, labels="gold", seed=0)
    assert [one.id for one in found] == ["chal-1", "chal-2"]


def test_several_answers_of_asdiv_are_left_out_and_rows_keep_their_number(monkeypatch):
    row = HUB["asdiv"][1]
    on_the_hub(monkeypatch, [{**row, "answer": "3 (cats); 4 (dogs)"}, {**row, "answer": "-(1/3)"}])
    (found,) = load(suite("asdiv").problems, labels="gold", seed=0)
    assert (found.id, found.gold) == ("asdiv-1", "-(1/3)")


def test_a_question_that_multiarith_asks_twice_is_asked_once(monkeypatch):
    row = HUB["multiarith"][1]
    on_the_hub(monkeypatch, [row, row, {"question": "How much?", "final_ans": "3"}])
    assert len(load(suite("multiarith").problems, labels="gold", seed=0)) == 2


@pytest.mark.parametrize(
    ("answer", "gold", "correct"),
    [
        ("3244047.1", "3244047.0999999996", True),
        (r"14053029\frac{2}{3}", "14053029.666666666", True),
        ("-9,867,630", "-9867630.0", True),
        ("9867630", "-9867630.0", False),
        ("9867631", "9867630.0", False),
        ("999999998", "999999999.0", False),
        ("0.0000020107", "2.0107e-06", True),
        ("5.33", "5.3333333333", False),
    ],
)
def test_the_tolerance_of_gsm_hard_undoes_floats_and_no_more(answer, gold, correct):
    how = suite("gsm_hard").check
    assert equal(answer, gold, how.kind, rel_tol=how.rel_tol).correct is correct


def test_the_example_of_ones_own():
    plan = plan_of(eval_recipe(Given("nobody/m", "qa"), [str(OWN)], seed=0), place="eval")
    spec = ProblemSpec.model_validate(plan.steps["suites/own"].config)
    first, second, third = load(spec, labels="gold", seed=0)
    assert (first.id, first.gold, first.level, first.subject) == ("1", "84", 1, "multiplication")
    assert second.gold == (r"\frac{3}{4}", "75/100")
    assert third.options == ("21", "23", "25", "27")
    assert third.question.endswith("prime?\nAnswer choices:\nA) 21\nB) 23\nC) 25\nD) 27")
    for one, answer in ((first, "84"), (second, "0.75"), (third, "B"), (third, "23")):
        assert equal(answer, one.gold, options=one.options).correct is True
    assert equal("21", third.gold, options=third.options).correct is False


def test_eval_takes_several_suites_at_once(tmp_path, monkeypatch, capsys):
    copies = {name: copy_of(name) for name in ("svamp", "aqua", "math500", "aime24")}
    for name in copies:
        rows(f"sets/{FILES[name][0]}.jsonl.gz")
    (tmp_path / "fake.yaml").write_text("{isolate: none, sampler: fake}\n")
    monkeypatch.chdir(tmp_path)
    files = [f"suites.{name}.problems.file={path}" for name, path in copies.items()]
    takes = [f"suites.{name}.problems.take=20" for name in copies]
    arguments = ["eval", "nobody/weak", "--suite", ",".join(copies), "--prompt", "qa"]
    code, out, err = main(
        [*arguments, "--profile", "fake.yaml", *files, *takes, "--name", "one"], monkeypatch, capsys
    )
    assert code == 0, err
    found = json.loads((Path("runs") / "one" / "results.json").read_text())
    scores = {score["suite"]: score for score in found["scores"]}
    assert list(scores) == list(copies)
    assert {score["n"] for score in scores.values()} == {20}
    assert [score["samples"] for score in scores.values()] == [20, 20, 20, 20 * 32]
    assert all(0 < score["accuracy"] < 1 for score in scores.values())
    assert all(name in out for name in copies)
