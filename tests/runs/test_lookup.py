"""Rows of tables on disk by their marks, and in order, a part at a time."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from reason_w2s.runs import lookup, sorting
from reason_w2s.runs.lookup import Index, Lookup, batches, growing
from reason_w2s.runs.sorting import Sorted
from reason_w2s.runs.store import Cost, parts, write_part

SCHEMA = pa.schema([("key", pa.string()), ("n", pa.int32()), ("text", pa.string())])
COST = Cost("one", 1.0, 1.0)


def keys(table):
    return table["key"].to_pylist()


@pytest.fixture(params=[1 << 30, 1], ids=["parts stay", "parts go"])
def table(request, monkeypatch, tmp_path):
    """Five parts of ten rows."""
    monkeypatch.setattr(lookup, "KEPT_BYTES", request.param)
    for start in range(0, 50, 10):
        rows = [{"key": str(n), "n": n, "text": f"t{n}"} for n in range(start, start + 10)]
        write_part(tmp_path, rows, SCHEMA, COST)
    return tmp_path


def test_each_mark_gives_its_own_row_in_any_order(table):
    found = Lookup(Index(table, SCHEMA, ["key"], keys), SCHEMA.names)
    wanted = [str(n) for n in range(-3, 55)]
    random.Random(0).shuffle(wanted)
    rows = found.find(wanted)
    assert len(found.index) == 50
    for mark, row in zip(wanted, rows, strict=True):
        there = 0 <= int(mark) < 50
        assert row == ({"key": mark, "n": int(mark), "text": f"t{mark}"} if there else None)


def test_only_the_columns_asked_for_are_read(table):
    assert Lookup(Index(table, SCHEMA, ["key"], keys), ["n"]).find(["7"]) == [{"key": "7", "n": 7}]


def test_marks_of_one_hash_are_told_apart(tmp_path, monkeypatch):
    class Mark(str):
        __slots__ = ()

        def __hash__(self):
            return 7

    write_part(tmp_path, [{"key": one, "n": 1, "text": None} for one in "abc"], SCHEMA, COST)
    found = Lookup(Index(tmp_path, SCHEMA, ["key"], lambda table: map(Mark, keys(table))), ())
    rows = found.find([Mark("b"), Mark("x"), Mark("a"), Mark("c")])
    assert [row and row["key"] for row in rows] == ["b", None, "a", "c"]


def test_of_rows_with_one_mark_the_last_part_counts(tmp_path):
    for n in range(4):
        write_part(tmp_path, [{"key": "a", "n": n, "text": None}], SCHEMA, COST)
    last = pa.parquet.read_table(parts(tmp_path)[-1])["n"].to_pylist()
    assert [
        row["n"] for row in Lookup(Index(tmp_path, SCHEMA, ["key"], keys), ["n"]).find(["a"])
    ] == last


def test_a_row_without_a_mark_is_not_found(table):
    def even(some):
        return [key if int(key) % 2 == 0 else None for key in keys(some)]

    found = Lookup(Index(table, SCHEMA, ["key"], even), ["n"]).find(["4", "5"])
    assert [row and row["n"] for row in found] == [4, None]


def test_a_table_that_is_not_there_has_no_rows(tmp_path):
    assert Lookup(Index(tmp_path / "none", SCHEMA, ["key"], keys), ()).find(["a"]) == [None]


@pytest.mark.parametrize(("size", "expected"), [(2, [[0, 1], [2]]), (None, [[0, 1, 2]])])
def test_batches(size, expected):
    assert list(batches(range(3), size)) == expected
    assert list(batches((), size)) == []


def test_the_first_few_do_not_wait_for_many():
    came = []
    some = growing(came.append(n) or n for n in range(5000))
    assert next(some) == [0] and came == [0]
    assert next(some) == [1, 2]
    left = list(some)
    assert max(map(len, left)) == lookup.BATCH
    assert [n for batch in left for n in batch] == list(range(3, 5000))


@pytest.mark.parametrize("bucket", [1 << 30, 10])
def test_rows_come_back_by_place_and_then_as_they_came(tmp_path, monkeypatch, bucket):
    monkeypatch.setattr(sorting, "BUCKET_BYTES", bucket)
    monkeypatch.setattr(sorting, "GROUP", 8)
    dice = random.Random(0)
    came = [(dice.randrange(20), n) for n in range(500)]
    left = tmp_path / "sorting"
    left.mkdir()
    (left / "0.arrow").write_text("of a dead process")
    with Sorted(left, SCHEMA, 20, bytes_=100) as rows:
        for place, n in came:
            rows.add(place, {"key": str(place), "n": n, "text": None})
        files = len(rows.writers)
        tables = list(rows.tables())
    assert files == (1 if bucket == 1 << 30 else 11)
    assert max(map(len, tables)) == 8
    found = [(int(row["key"]), row["n"]) for one in tables for row in one.to_pylist()]
    assert found == sorted(came, key=lambda one: one[0])
    assert not left.exists()


def test_what_was_sorted_goes_when_it_fails(tmp_path):
    def fail():
        with Sorted(tmp_path / "sorting", SCHEMA, 2, bytes_=0) as rows:
            rows.add(0, {"key": "a", "n": 1, "text": None})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert list(tmp_path.iterdir()) == []
