"""One run for all tests of exports."""

from __future__ import annotations

from pathlib import Path

import pytest

from reason_w2s.runs.run import Run
from tests.export.made import make


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Run:
    """A finished run. Write nothing into it but exports."""
    pytest.importorskip("trl")
    return make(tmp_path_factory.mktemp("export"), tiny_model)
