"""What may be said of a set of problems."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reason_w2s.problems.spec import ProblemSpec


@pytest.mark.parametrize(
    "settings",
    [
        {"source": "jsonl", "file": "x"},
        {"source": "gsm8k"},
        {"source": "world", "take": 3},
        {"source": "math", "split": "train[10%:20%]", "where": {"level": {"in": [3, 4]}}},
        {"source": "hub", "path": "a/b", "name": "c", "revision": "d", "split": "a+b[-5:]"},
        {"source": "hub", "file": "copy.parquet"},
        {"of": "train", "part": "2/3", "salt": "a", "take": 0},
    ],
)
def test_sets_that_are_fine(settings):
    ProblemSpec(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "either 'source', 'of' or 'suite'"),
        ({"source": "gsm8k", "of": "x"}, "either 'source', 'of' or 'suite'"),
        ({"source": "jsonl"}, "needs a 'file'"),
        ({"source": "world"}, "give 'take'"),
        ({"source": "math500"}, "gsm8k"),
        ({"source": "hub"}, "needs the set's 'path'"),
        ({"source": "jsonl", "file": "x", "path": "a/b"}, "'path' is for the sources gsm8k"),
        ({"of": "x", "revision": "v"}, "'revision' is for the sources gsm8k"),
        *(
            ({"source": "math", "split": split}, "a slice of one")
            for split in ("", "train[", "train[3]", "train[:x]", "train[:5][:2]", "[:3]")
        ),
        ({"of": "x", "take": -1}, "greater than or equal to 0"),
        ({"of": "x", "labels": "silver"}, "gold"),
        ({"of": "x", "tak": 1}, "Extra inputs"),
        *(({"of": "x", "part": part}, "k/n") for part in ("0/2", "3/2", "1/0", "half", "1/2/3")),
    ],
)
def test_sets_that_are_not(settings, said):
    with pytest.raises(ValidationError, match=said):
        ProblemSpec(**settings)


def test_without_takes_one_name_or_several():
    assert ProblemSpec(of="x", without="a").without == ("a",)
    assert ProblemSpec(of="x", without=["a", "b"]).without == ("a", "b")
