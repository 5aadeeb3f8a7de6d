"""Files are what they were, or the first that is not is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason_w2s.engines.seal import broken, seal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base").mkdir()
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "base" / "model.safetensors").write_bytes(b"other")
    (tmp_path / "README.md").write_text("a card")
    return tmp_path


def test_what_was_not_touched_is_whole(folder):
    known = seal(folder)
    assert set(known) == {"model.safetensors", "base/model.safetensors", "README.md"}
    assert known["base/model.safetensors"][0] == 5
    assert broken(folder, known) is None
    assert broken(folder, known, content=True) is None


def test_only_files_of_such_names(folder):
    known = seal(folder, ("*.safetensors",))
    (folder / "README.md").write_text("another card")
    (folder / "new").touch()
    assert broken(folder, known, content=True) is None


def test_a_cut_file_is_seen_without_reading_it(folder):
    known = seal(folder)
    (folder / "model.safetensors").write_bytes(b"weigh")
    assert broken(folder, known) == "model.safetensors has 5 bytes, was written with 7"


def test_a_changed_byte_is_seen_by_reading(folder):
    known = seal(folder)
    (folder / "base" / "model.safetensors").write_bytes(b"Other")
    assert broken(folder, known) is None
    assert "base/model.safetensors" in str(broken(folder, known, content=True))


def test_a_missing_file(folder):
    known = seal(folder)
    (folder / "model.safetensors").unlink()
    assert broken(folder, known) == "model.safetensors is missing"
