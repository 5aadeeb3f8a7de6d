"""Parts are whole or not there, and say so."""

from __future__ import annotations

import pyarrow as pa
import pytest

from reason_w2s.errors import StoreError
from reason_w2s.runs import store
from reason_w2s.runs.store import (
    Cost,
    PartWriter,
    Store,
    cost_of,
    parts,
    put_folder,
    read_batches,
    read_json,
    read_parts,
    rows_in,
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


def test_who_holds_a_table_removes_what_was_half_written(tmp_path):
    store = Store(tmp_path)
    with store.locked("sample", "k") as folder:
        path = write_part(folder, [{"key": "a", "n": 1}], SCHEMA, COST)
    (folder / f".{path.name}.12345").write_bytes(path.read_bytes()[:10])
    aside = path.with_name(f"{path.name}.damaged-1")
    aside.write_bytes(b"kept")
    with store.locked("sample", "k"):
        assert sorted(one.name for one in folder.iterdir()) == [".lock", path.name, aside.name]


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


def test_a_part_written_as_it_comes_reads_as_any_other(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "GROUP", 2)
    writer = PartWriter(tmp_path, SCHEMA)
    for n in range(5):
        writer.add({"key": str(n), "n": n})
    assert parts(tmp_path) == []
    path = writer.finish(COST)
    writer.close()
    assert parts(tmp_path) == [path] and cost_of(path) == COST
    batches = list(read_batches(tmp_path, SCHEMA, columns=["n"]))
    assert [table["n"].to_pylist() for table in batches] == [[0, 1], [2, 3], [4]]
    assert rows_in(tmp_path) == 5
    assert read_parts(tmp_path, SCHEMA)["key"].to_pylist() == list("01234")


def test_a_part_that_is_not_finished_leaves_nothing(tmp_path):
    writer = PartWriter(tmp_path, SCHEMA)
    writer.add({"key": "a", "n": 1})
    writer.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read", [lambda folder: list(read_batches(folder, SCHEMA)), rows_in])
def test_whoever_reads_finds_the_damage(read, tmp_path):
    path = write_part(tmp_path, [{"key": "a", "n": 1}], SCHEMA, COST)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match=path.name):
        read(tmp_path)


def test_columns_of_an_older_version_are_null_in_batches_too(tmp_path):
    write_part(tmp_path, [{"key": "a"}], pa.schema([("key", pa.string())]), COST)
    (table,) = read_batches(tmp_path, SCHEMA)
    assert table.to_pylist() == [{"key": "a", "n": None}]
