"""Which pairs of questions are one problem, and which only look alike."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import ValidationError

from reason_w2s.records import Problem
from reason_w2s.stages.overlap import OverlapConfig, overlaps
from tests.answers.shared_data import rows

STAMPS = (
    "Bella bought stamps at the post office. Some of the stamps had a snowflake design, some had a "
    "truck design, and some had a rose design. Bella bought 11 snowflake stamps."
)
MORE = (
    "Max collects stamps as well, but only those of his own country, and sticks them in an album "
    "that his mother gave to him when he went to school. Whose collection is worth more by now?"
)
WORD = "Determine the number of ways to arrange the letters of the word"
ALIKE = OverlapConfig(ngrams=None)


def found(train, suite, cfg=None, *, ids=("a", "b")):
    problem = Problem(id=ids[0], question=train)
    asked = [Problem(id=ids[1], question=suite)]
    return [one.kind for one in overlaps([problem], asked, cfg or OverlapConfig())]


@pytest.mark.parametrize(
    ("train", "suite"),
    [
        ("What is 3 + 4?", "what is 3+4"),
        ("Tom pays $1,000 at the caf\u00e9.", "Tom pays 1000 at the Cafe"),
        ("Let $f(6)-f(2)=12$.", "Let \\[f(6) - f(2) = 12.\\]"),
    ],
)
def test_the_same_question(train, suite):
    assert found(train, suite) == found(train, suite, ALIKE) == ["question"]


@pytest.mark.parametrize(
    ("train", "suite"),
    [
        ("Roots of $z^4 - z^2 + 1$?", "Roots of $z^4 + z^2 + 1$?"),
        ("What is x? [asy]draw(1,2)[/asy]", "What is x? [asy]draw(1,3)[/asy]"),
    ],
)
def test_a_sign_or_a_drawing_makes_another(train, suite):
    assert found(train, suite) == []


@pytest.mark.parametrize(
    ("train", "suite", "overlapping"),
    [
        # reworded at the end, or with more around it
        (STAMPS + " How many in all?", STAMPS + " What is their number?", True),
        ("On a Monday, " + STAMPS + " Then she bought 2 pens.", STAMPS, True),
        # the same told with other numbers, in digits and in words
        (STAMPS, STAMPS.replace("11", "16"), False),
        (STAMPS.replace("11", "eleven"), STAMPS.replace("11", "twelve"), False),
        # of what the suite asks, too little
        (STAMPS, f"{STAMPS} {MORE}", False),
        (f"{WORD} PROOF.", f"{WORD} ELLIPSE.", False),
        (f"Please: {WORD} ELLIPSE.", f"{WORD} ELLIPSE.", True),
        ("What is the value of $x$?", "What is the value of $y$?", False),
    ],
)
def test_most_of_the_words_and_all_of_the_numbers(train, suite, overlapping):
    assert found(train, suite) == (["words"] if overlapping else [])
    assert found(train, suite, ALIKE) == []


def test_shares_and_runs_are_settings():
    pair = (
        STAMPS + " And then she left.",
        STAMPS + " What is the number of them all together now?",
    )
    assert found(*pair) == ["words"]
    assert found(*pair, OverlapConfig(shares=(0.9, 0.9))) == []
    assert found(*pair, OverlapConfig(ngrams=(60, 8), shares=(0.1, 0.9))) == []


def test_ids():
    assert found("a", "b", ids=("math/7", "math/7")) == ["id"]
    # rows of two files
    assert found("a", "b", ids=("7", "7")) == []
    assert found("a b", "a b", ids=("7", "7")) == ["question"]


def test_each_pair_once_in_training_order():
    suite = [Problem(id="s", question=STAMPS), Problem(id="t", question=STAMPS + " Really?")]
    train = [Problem(id="2", question=STAMPS), Problem(id="1", question=STAMPS)]
    pairs = [(one.problem_id, one.suite_id) for one in overlaps(train, suite, OverlapConfig())]
    assert pairs == [("2", "s"), ("2", "t"), ("1", "s"), ("1", "t")]


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError):
        OverlapConfig(ngram=13)


def problems(name):
    return [Problem(id=str(row["id"]), question=row["question"]) for row in rows(name)]


@pytest.mark.parametrize(
    ("train", "suite", "kinds"),
    [
        # its authors split GSM8K by problem; the four pairs with 13 words in a row are templates
        ("sets/gsm8k_train.jsonl.gz", "sets/gsm8k_test.jsonl.gz", {}),
        ("gair_w2s/problems.jsonl.gz", "sets/gsm8k_test.jsonl.gz", {}),
        # read by eye: 11 of them are about the same things and numbers, one is a template
        ("sets/math_train.jsonl.gz", "sets/math500.jsonl.gz", {"words": 12}),
        ("sets/math_test.jsonl.gz", "sets/math500.jsonl.gz", {"question": 500, "words": 8}),
    ],
)
def test_real_sets(train, suite, kinds):
    pairs = overlaps(problems(train), problems(suite), OverlapConfig())
    assert Counter(one.kind for one in pairs) == kinds
