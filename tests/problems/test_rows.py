"""Which rows a source reads."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reason_w2s.problems.rows import chosen, numbered, split_name
from reason_w2s.problems.spec import ProblemSpec


@pytest.mark.parametrize(
    ("split", "rows"),
    [
        ("train", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("train[:3]", [0, 1, 2]),
        ("train[7:]", [7, 8, 9]),
        ("train[2:4]", [2, 3]),
        ("train[-2:]", [8, 9]),
        ("train[:-8]", [0, 1]),
        ("train[:25%]", [0, 1]),
        ("train[80%:]", [8, 9]),
        ("train[40%:60%]", [4, 5]),
        ("train[8:100]", [8, 9]),
        ("train[4:2]", []),
        ("a+b[1:2]", [1]),
    ],
)
def test_slices(split, rows):
    assert list(chosen(split, 10)) == rows


@given(
    st.one_of(st.none(), st.integers(-100, 100)),
    st.one_of(st.none(), st.integers(-100, 100)),
    st.sampled_from([("", ""), ("%", "%"), ("%", ""), ("", "%")]),
    st.integers(0, 40),
)
def test_a_slice_means_what_datasets_means_by_it(start, stop, marks, count):
    datasets = pytest.importorskip("datasets")
    both = zip((start, stop), marks, strict=True)
    bounds = ["" if bound is None else f"{bound}{mark}" for bound, mark in both]
    split = f"train[{bounds[0]}:{bounds[1]}]"
    (meant,) = datasets.ReadInstruction.from_spec(split).to_absolute({"train": count})
    assert list(chosen(split, count)) == list(range(meant.from_, meant.to))


def test_a_files_rows_keep_their_numbers(tmp_path):
    path = tmp_path / "r.jsonl.gz"
    with gzip.open(path, "wt") as stream:
        stream.write("\n".join(json.dumps({"n": n}) for n in range(6)))
    spec = ProblemSpec(source="jsonl", file=str(path), split="train[2:4]")
    found = list(numbered(spec, path=None, names=[None], columns=""))
    assert [(one.number, one.place, one.row) for one in found] == [
        (2, f"{path}:3", {"n": 2}),
        (3, f"{path}:4", {"n": 3}),
    ]
    assert split_name(spec) == "train"
