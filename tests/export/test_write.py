"""Files, folders and the hub."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.export import write

SCHEMA = pa.schema([("text", pa.string()), ("number", pa.int32())])
ROWS = [{"text": f"Zeile {n} é", "number": None if n == 0 else n} for n in range(2500)]


def lines(path):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "deep/a.parquet"])
def test_a_file_holds_all_rows_and_is_not_written_over(name, tmp_path):
    out = tmp_path / name
    assert write.is_file(out)
    assert write.file(iter(ROWS), SCHEMA, out) == 2500
    found = pq.read_table(out).to_pylist() if name.endswith("parquet") else lines(out)
    assert found == ROWS
    with pytest.raises(ConfigError, match="is there already"):
        write.file(iter(ROWS), SCHEMA, out)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "folder"])
def test_a_failure_leaves_nothing_that_looks_finished(name, tmp_path):
    def broken():
        yield ROWS[0]
        raise ConfigError("half way")

    out = tmp_path / name
    with pytest.raises(ConfigError, match="half way"):
        if write.is_file(out):
            write.file(broken(), SCHEMA, out)
        else:
            write.folder(broken(), SCHEMA, out, lambda rows: "")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_a_data_set_and_replaces_an_earlier_export_only(tmp_path):
    out = tmp_path / "set"
    for rows in (ROWS, ROWS[:3]):
        count = write.folder(iter(rows), SCHEMA, out, lambda n: f"reason-w2s {n}")
        assert count == len(rows)
        assert (out / "README.md").read_text() == f"reason-w2s {count}"
        assert pq.read_table(out / "data" / "train.parquet").num_rows == count
    (out / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="no earlier export"):
        write.folder(iter(ROWS), SCHEMA, out, lambda n: "")
    assert (out / "notes.txt").read_text() == "mine"
    with pytest.raises(ConfigError, match="no earlier export"):
        write.folder(iter(ROWS), SCHEMA, tmp_path, lambda n: "")


class Hub:
    """Stands for `HfApi`, and remembers what it was asked."""

    said: tuple

    def create_repo(self, *given, **named):
        Hub.said = ("create_repo", given, named)
        return "the address"

    def upload_folder(self, **named):
        Hub.said = (*Hub.said, "upload_folder", named)


def test_a_push_makes_the_repository_and_uploads_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    assert write.push(tmp_path, "org/name", private=True) == "the address"
    assert Hub.said == (
        "create_repo",
        ("org/name",),
        {"repo_type": "dataset", "private": True, "exist_ok": True},
        "upload_folder",
        {
            "repo_id": "org/name",
            "repo_type": "dataset",
            "folder_path": str(tmp_path),
            "commit_message": "Exported by reason-w2s",
        },
    )


def unreachable(*given, **named):
    raise httpx.ConnectError("[Errno -2] Name or service not known")


@pytest.mark.parametrize("how", ["said to be offline", "unreachable"])
def test_without_a_network_it_says_so_and_not_to_log_in(how, tmp_path, monkeypatch):
    if how == "unreachable":
        monkeypatch.setattr("huggingface_hub.HfApi.create_repo", unreachable)
    else:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ConfigError, match=r"--push-to-hub me/x: no network.*the files are") as said:
        write.push(tmp_path, "me/x", private=False)
    assert "log in" not in str(said.value)


def test_without_a_right_to_write_it_says_to_log_in(tmp_path, monkeypatch):
    def refused(*given, **named):
        raise ValueError("Token is required")

    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", refused)
    with pytest.raises(ConfigError, match=r"Token is required; the files are in .*hf auth login"):
        write.push(tmp_path, "me/x", private=False)


@pytest.mark.parametrize("name", ["x", "not a name!", "me/not a name", "a/b/c", "/x", "me/", ""])
def test_a_name_on_the_hub_has_an_owner(name):
    assert write.repository_name("me/x") == "me/x"
    with pytest.raises(ConfigError, match=f"--push-to-hub '{name}': expected OWNER/NAME"):
        write.repository_name(name)


@pytest.mark.parametrize("name", ["rec.csv", "rec.json", "a/rec.jsonl.zst", "rec.JSONL"])
def test_an_ending_that_is_not_known_is_refused(name):
    with pytest.raises(ConfigError, match=r"use \.jsonl, \.jsonl\.gz, \.parquet, or a folder"):
        write.is_file(Path(name))


@pytest.mark.parametrize("name", ["set", "set.v1/data", "v1.0", "traces-1.5B", ".hidden"])
def test_other_names_are_folders(name):
    assert not write.is_file(Path(name))
