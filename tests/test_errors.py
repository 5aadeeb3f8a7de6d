"""Every error of ours has an exit code and stays what it is to others."""

from __future__ import annotations

import sys

import pytest

from reason_w2s.errors import (
    ConfigError,
    Damaged,
    DataError,
    EngineError,
    MissingExtra,
    StoreError,
    W2SError,
    require,
)


@pytest.mark.parametrize(
    ("error", "base", "code"),
    [
        (ConfigError, ValueError, 2),
        (DataError, ValueError, 2),
        (EngineError, RuntimeError, 3),
        (StoreError, OSError, 4),
        (Damaged, StoreError, 4),
        (MissingExtra, ImportError, 2),
    ],
)
def test_tree(error, base, code):
    assert issubclass(error, W2SError)
    assert issubclass(error, base)
    assert error("x").exit_code == code
    assert str(error("x")) == "x"


def test_require_gives_the_module():
    assert require("json", extra="none") is sys.modules["json"]


def test_require_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(MissingExtra, match=r"vllm is not installed.*reason-w2s\[vllm\]"):
        require("vllm", extra="vllm")


def test_require_does_not_hide_a_broken_package(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import a_part_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_part_that_is_not_there") as caught:
        require("broken_package", extra="x")
    assert not isinstance(caught.value, MissingExtra)
