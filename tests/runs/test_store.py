"""Parts are whole or not there, and say so."""

from __future__ import annotations

import pyarrow as pa
import pytest

from reason_w2s.errors import StoreError
from reason_w2s.runs.store import (
    Cost,
    Store,
    cost_of,
    parts,
    put_folder,
    read_json,
    read_parts,
    write_json,
    write_part,
)

SCHEMA = pa.schema([("key", pa.string()), ("n", pa.int32())])
COST = Cost("one", 1.5, 20.0)


def test_parts_add_up_and_remember_their_cost(tmp_path):
    first = write_part(tmp_path, [{"key": "a", "n": 1}], SCHEMA, COST)
    write_part(tmp_path, [{"key": "b", "n": None}], SCHEMA, Cost("two", 0.5, 1.0))
    found = read_parts(tmp_path, SCHEMA).to_pylist()
    assert sorted(found, key=lambda row: row["key"]) == [
        {"key": "a", "n": 1},
        {"key": "b", "n": None},
    ]
    assert cost_of(first) == COST
    assert read_parts(tmp_path, SCHEMA, columns=["n"]).column_names == ["n"]


def test_the_same_part_twice_is_one(tmp_path):
    for _ in range(2):
        write_part(tmp_path, [{"key": "a", "n": 1}], SCHEMA, COST)
    assert len(parts(tmp_path)) == 1


def test_names_keep_tables_apart(tmp_path):
    write_part(tmp_path, [{"key": "a", "n": 1}], SCHEMA, COST)
    write_part(tmp_path, [], SCHEMA, COST, name="dropped")
    assert read_parts(tmp_path, SCHEMA).num_rows == 1
    assert read_parts(tmp_path, SCHEMA, "dropped").num_rows == 0


def test_nothing_there_is_an_empty_table(tmp_path):
    assert read_parts(tmp_path / "none", SCHEMA).num_rows == 0


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"x" + data[1:]])
def test_a_damaged_part_is_named(damage, tmp_path):
    path = write_part(tmp_path, [{"key": "a", "n": 1}], SCHEMA, COST)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StoreError, match=path.name) as caught:
        read_parts(tmp_path, SCHEMA)
    assert caught.value.exit_code == 4


def test_what_a_dead_process_left_half_written_is_not_read(tmp_path):
    path = write_part(tmp_path, [{"key": "a", "n": 1}], SCHEMA, COST)
    (tmp_path / f".{path.name}.12345").write_bytes(path.read_bytes()[:10])
    assert read_parts(tmp_path, SCHEMA).num_rows == 1


def test_json_that_says_the_same_is_not_written_again(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    before = path.stat().st_mtime_ns
    write_json(path, {"a": 1})
    assert path.stat().st_mtime_ns == before
    write_json(path, {"a": 2})
    assert read_json(path) == {"a": 2}


def test_damaged_json_is_named(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a":')
    with pytest.raises(StoreError, match=r"a\.json: damaged"):
        read_json(path)


def test_a_folder_takes_the_place_of_what_was_left(tmp_path):
    for name in ("aside", "final"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    put_folder(tmp_path / "aside", tmp_path / "final")
    assert [path.name for path in (tmp_path / "final").iterdir()] == ["aside"]


def test_folders_are_by_stage_and_key(tmp_path):
    store = Store(tmp_path)
    with store.locked("sample", "k") as folder:
        assert folder == tmp_path / "sample" / "k"
        assert folder.is_dir()


def test_a_column_that_came_later_is_null_in_older_parts(tmp_path):
    write_part(tmp_path, [{"key": "a"}], pa.schema([("key", pa.string())]), COST)
    write_part(tmp_path, [{"key": "b", "n": 2}], SCHEMA, COST)
    found = read_parts(tmp_path, SCHEMA).to_pylist()
    assert sorted(found, key=lambda row: row["key"]) == [
        {"key": "a", "n": None},
        {"key": "b", "n": 2},
    ]
