"""Steps of problems as problems of their own: right golds, and nothing of another split."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from reason_w2s.answers.arithmetic import equations
from reason_w2s.errors import DataError
from reason_w2s.problems.gsm8k import load as gsm8k
from reason_w2s.problems.load import load
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.problems.subtasks import STEPS, socratic, subtasks
from reason_w2s.problems.world import Skeleton, problems, read_skeleton
from reason_w2s.records import Problem
from tests.answers.shared_data import SHARED, rows

ASKED = "Janet has 16 eggs. She eats 3. How much does she make at $2 each?"
STEP = [
    ["How many are left?", "There are 16 - 3 = <<16-3=13>>13 left."],
    ["How much does she make?", "She makes 13 * 2 = $<<13*2=26>>26."],
]
ROW = {"id": "e", "question": ASKED, "steps": STEP, "answer": "26"}
HUB = {
    "question": ASKED,
    "answer": "\n".join([*(f"{asked} ** {step}" for asked, step in STEP), "#### 26"]),
}


def loaded(folder: Path, *found):
    path = folder / "s.jsonl"
    path.write_text("\n".join(map(json.dumps, found)))
    return list(gsm8k(ProblemSpec(source="gsm8k", file=str(path)), 0, None))


def test_gsm8ks_socratic_form_in_both_writings(tmp_path):
    (kept, hub) = loaded(tmp_path, ROW, HUB)
    assert kept.solution == hub.solution
    assert kept.solution == "There are 16 - 3 = 13 left.\nShe makes 13 * 2 = $26.\n#### 26"
    assert (kept.gold, hub.gold, kept.level) == ("26", "26", 2)
    assert kept.meta[STEPS] == hub.meta[STEPS] == STEP
    (one,) = subtasks(kept)
    assert (one.id, one.gold, one.level) == ("e/1", "13", 1)
    assert one.question == "Janet has 16 eggs. She eats 3. How many are left?"
    assert one.solution == "There are 16 - 3 = 13 left.\n#### 13"


def test_no_subtask_where_it_would_not_be_well_defined(tmp_path):
    told = {**ROW, "question": "Janet has 16 eggs. If she eats 3, how many are left?"}
    alone = {**ROW, "question": "How many eggs does Janet have?"}
    unnoted = {**ROW, "steps": [["How many?", "There are 16 - 3 = 13 left."], STEP[1]]}
    for row in (told, alone, unnoted):
        (found,) = loaded(tmp_path, row)
        assert list(subtasks(found)) == []
    assert socratic({"answer": "She has 3 ** 2 = 9.\n#### 9"}) == [["She has 3", "2 = 9."]]
    assert socratic({"answer": "She has 3*2.\n#### 6", "steps": ["a"]}) is None


def test_the_worlds_subtasks_rest_after_their_event():
    (whole,) = (one for one in problems("train", take=60, seed=1) if one.meta["skeleton"] == FIRST)
    one, *_ = subtasks(whole)
    events = re.findall(r"[^.?]+[.?]", whole.question)
    told = re.findall(r"[^.?]+[.?]", one.question)
    assert told[:2] == events[:2] and told[-1] == events[-1] and len(told) == len(events)
    assert all(sentence.endswith("takes a rest.") for sentence in told[2:-1])


FIRST = next(
    one.meta["skeleton"] for one in problems("train", take=60, seed=1) if list(subtasks(one))
)


def test_the_worlds_subtasks_are_right_and_of_no_other_split():
    found = [one for whole in problems("train", take=400, seed=0) for one in subtasks(whole)]
    assert len(found) > 300 and len({one.id for one in found}) == len(found)
    for one in found:
        skeleton = read_skeleton(one.meta["skeleton"])
        assert skeleton.home() in ("train", "pretrain")
        assert one.gold == str(skeleton.values()[-1]) and one.level == len(skeleton.steps)
        assert one.solution.endswith(f"#### {one.gold}")
        assert all(equation.holds for equation in equations(one.solution))
        assert len(re.findall(r"[.?]", one.question)) == 6
        numbers = [int(number) for number in re.findall(r"\d+", one.question)]
        assert numbers == [skeleton.start, *(operand for _, operand in skeleton.steps)]


def test_a_skeleton_is_read_back():
    skeleton = Skeleton(5, (("+", 3), ("*", 2), ("-", 12)))
    assert read_skeleton(str(skeleton)) == skeleton


def test_what_has_no_steps_is_refused():
    with pytest.raises(DataError, match=r"problem p says nothing of its steps"):
        list(subtasks(Problem(id="p", question="q")))
    with pytest.raises(ValidationError, match="give 'of'"):
        ProblemSpec(source="gsm8k", subtasks=True)


def test_subtasks_are_cut_and_labelled_like_any_set():
    whole = list(problems("train", take=40, seed=0))
    spec = ProblemSpec(of="train", subtasks=True, where={"level": 1}, salt=0, take=10)
    found = load(spec, labels="gold", seed=0, of=whole)
    assert len(found) == 10 and {one.level for one in found} == {1}
    blind = load(spec, labels="none", seed=0, of=whole)
    assert [one.id for one in blind] == [one.id for one in found]
    assert all(one.gold is None and one.solution is None for one in blind)
    hidden = [Problem(id="e", question=ASKED, meta={STEPS: STEP})]
    assert [one.gold for one in load(spec_of(), labels="none", seed=0, of=hidden)] == [None]


def spec_of():
    return ProblemSpec(of="train", subtasks=True)


def test_real_socratic_steps():
    rows("sets/gsm8k_test_socratic.jsonl.gz")
    path = SHARED / "data" / "sets" / "gsm8k_test_socratic.jsonl.gz"
    whole = load(ProblemSpec(source="gsm8k", file=str(path)), labels="gold", seed=0)
    found = [one for problem in whole for one in subtasks(problem)]
    assert len(whole) == 1319 and len(found) == 1801
    assert all(one.question.rstrip().endswith("?") for one in found)
    # the way a subtask's gold is read gives the problem's own gold for its last step
    last = [
        next(iter(subtasks(_ending_twice(one))), None) for one in whole if len(one.meta[STEPS]) == 1
    ]
    assert all(one is None or float(one.gold) == float(one.subject) for one in last)


def _ending_twice(one: Problem) -> Problem:
    """A problem of one step, that step made its first of two; its gold kept as its subject."""
    ((_, step),) = one.meta[STEPS]
    return Problem(
        id=one.id,
        question=one.question,
        gold=one.gold,
        subject=str(one.gold).replace(",", ""),
        meta={STEPS: [["How much?", step], ["", ""]]},
    )
