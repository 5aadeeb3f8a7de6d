"""The procedural world: exact splits, right solutions, words apart."""

from __future__ import annotations

import re
from itertools import islice

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.problems import world
from reason_w2s.problems.world import Skeleton, problems, solution, strip_annotations
from reason_w2s.problems.world_corpus import PLAIN, THINK, Mixture, documents
from reason_w2s.prompts import load

MIXTURE = Mixture(story=0.2, think=0.3, worked=0.1)


def drawn(split, seed=0, take=200, wording="seen"):
    return list(problems(split, take=take, seed=seed, wording=wording))


def skeletons_of(split, seeds, wording="seen"):
    return {p.meta["skeleton"] for seed in seeds for p in drawn(split, seed, wording=wording)}


def test_splits_share_no_skeleton_whatever_the_seed():
    train, dev, test = (skeletons_of(split, range(5)) for split in ("train", "dev", "test"))
    test |= skeletons_of("test", range(5), "held_out")
    assert not train & dev and not train & test and not dev & test


def test_no_pretraining_document_holds_a_problem_of_any_split():
    rng = world.random.Random("any")
    pretrain = islice(world.skeletons(rng, "pretrain", (1, 2, 3, 4)), 2000)
    assert {skeleton.home() for skeleton in pretrain} == {"pretrain"}
    starts = {p.question.split(" How")[0] for s in ("train", "dev", "test") for p in drawn(s)}
    texts = list(islice(documents(0, MIXTURE), 3000))
    assert not [text for text in texts for start in starts if start in text]


def test_same_seed_same_problems_another_seed_others():
    assert drawn("train", 3) == drawn("train", 3)
    shared = {p.question for p in drawn("train", 3)} & {p.question for p in drawn("train", 4)}
    assert len(shared) < 5


def test_a_longer_draw_begins_with_the_shorter():
    assert drawn("dev", 1, take=90)[:40] == drawn("dev", 1, take=40)


def test_ids_and_skeletons_are_distinct_within_a_draw():
    found = drawn("test", 0, take=600)
    assert len({p.id for p in found}) == len({p.meta["skeleton"] for p in found}) == 600


def test_levels_come_in_equal_shares():
    levels = [p.level for p in drawn("train", take=300)]
    assert [levels.count(level) for level in (2, 3, 4)] == [100, 100, 100]


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_every_line_of_a_solution_is_right(split):
    exact = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}
    for problem in drawn(split):
        *lines, last = strip_annotations(problem.solution).splitlines()
        value = int(lines[0].split()[0])
        for line in lines:
            left, op, right, equals, result = line.split()
            assert (int(left), equals) == (value, "=")
            value = exact[op](value, int(right))
            assert value == int(result) and 0 <= value <= world.LARGEST
        assert last == f"#### {value}" and problem.gold == str(value)
        assert len(lines) == problem.level


def test_solution_has_gsm8ks_form():
    text = solution(Skeleton(5, (("+", 3), ("-", 2))))
    assert text == "5 + 3 = <<5+3=8>>8\n8 - 2 = <<8-2=6>>6\n#### 6"
    assert strip_annotations(text) == "5 + 3 = 8\n8 - 2 = 6\n#### 6"


def test_the_question_tells_the_skeleton():
    for problem in drawn("test", wording="held_out"):
        start, *steps = problem.meta["skeleton"].split()
        told = [word for word in problem.question.split() if word.isdigit()]
        assert told == [start, *(step[1:] for step in steps)]


@pytest.mark.parametrize(
    ("split", "own", "others"),
    [("dev", world.DEV_ONLY, world.TEST_ONLY), ("test", world.TEST_ONLY, world.DEV_ONLY)],
)
def test_held_out_wording_uses_its_own_verbs_alone(split, own, others):
    def verbs(table):
        return {verb for op in table for verb in table[op]}

    words = {w for p in drawn(split, wording="held_out") for w in p.question.split()}
    seen = {w for s in ("train", split) for p in drawn(s) for w in p.question.split()}
    assert verbs(own) <= words and not words & (verbs(world.SEEN) | verbs(others))
    assert not seen & (verbs(own) | verbs(others))


def test_number_positions_differ_between_questions_of_one_level():
    places = {
        tuple(i for i, word in enumerate(p.question.split()) if word.isdigit())
        for p in drawn("train")
        if p.level == 4
    }
    assert len(places) > 20


def test_every_word_is_in_the_vocabulary():
    words = set(world.VOCABULARY)
    for text in [*islice(documents(1, MIXTURE), 2000), *world.facts()]:
        assert set(re.findall(r"[.?:]|[^\s.?:]+", text)) <= words


def test_prompts_and_documents_use_one_frame():
    assert load("world").template == PLAIN and load("world_think").template == THINK


def test_think_frame_is_always_worked_and_plain_rarely():
    texts = list(islice(documents(2, Mixture(story=0.0, think=0.5, worked=0.1)), 2000))
    thinking = [text for text in texts if "Solution:" in text]
    plain = [text for text in texts if "Answer:" in text]
    assert all(" = " in text for text in thinking) and len(thinking) > 900
    assert 0.06 < sum(" = " in text for text in plain) / len(plain) < 0.14


@pytest.mark.parametrize(
    ("split", "wording"), [("valid", "seen"), ("test", "new"), ("train", "held_out")]
)
def test_unknown_split_or_wording_is_refused(split, wording):
    with pytest.raises(ConfigError, match="world"):
        next(problems(split, take=1, seed=0, wording=wording))
