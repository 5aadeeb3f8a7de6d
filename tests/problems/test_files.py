"""Rows from files."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reason_w2s.errors import DataError
from reason_w2s.problems.files import digest, read

ROWS = [{"a": 1, "b": "x\u221a"}, {"a": None, "b": "y"}]
TEXT = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n\n"


def test_the_same_rows_from_every_kind_of_file(tmp_path):
    (tmp_path / "r.jsonl").write_text(TEXT, encoding="utf-8")
    with gzip.open(tmp_path / "r.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.write(TEXT)
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "r.parquet")
    for name in ("r.jsonl", "r.jsonl.gz", "r.parquet"):
        assert list(read(tmp_path / name)) == ROWS


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"a,b", r"a\.csv: expected .jsonl, .jsonl.gz or .parquet"),
        ("a.jsonl", b'{"a": 1}\n{"a"', r"a\.jsonl:2: not JSON"),
        ("a.jsonl", b'{"a": 1}\n"text"', r"a\.jsonl:2: expected a JSON object, got str"),
        ("a.jsonl", b'{"a": "\xe9"}', r"a\.jsonl:1: .*UTF-8"),
        ("a.jsonl.gz", b"not gzip", r"a\.jsonl\.gz:1: "),
        ("a.parquet", b"not parquet", r"a\.parquet: not Parquet"),
    ],
)
def test_what_cannot_be_read_is_named(name, data, said, tmp_path):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DataError, match=said):
        list(read(path))


def test_a_missing_file_is_named(tmp_path):
    for function in (lambda path: list(read(path)), digest):
        with pytest.raises(DataError, match=r"none\.jsonl: no such file"):
            function(tmp_path / "none.jsonl")


def test_the_digest_is_of_bytes(tmp_path):
    one, two = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    one.write_text(TEXT)
    two.write_text(TEXT)
    assert digest(one) == digest(two)
    two.write_text(TEXT + "\n")
    assert digest(one) != digest(two)


def test_half_a_character_becomes_the_sign_for_it(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": "x\\ud800y", "b": ["\\ud83d\\ude00"], "c": {"\\udc00": 1}}\n')
    assert list(read(path)) == [{"a": "x\ufffdy", "b": ["\U0001f600"], "c": {"\ufffd": 1}}]
