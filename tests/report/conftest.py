"""The browser of the page tests, and the pages of the viewer's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reason_w2s.report import viewer
from reason_w2s.runs.run import Run
from tests.report.browser import launched
from tests.report.viewed import hostile_run, viewed_run


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser per file of tests; not per session, as its event loop would run in all others."""
    with launched() as started:
        yield started


@pytest.fixture(scope="session")
def viewed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with something for every filter of the viewer."""
    return viewed_run(tmp_path_factory.mktemp("viewed"))


@pytest.fixture(scope="session")
def viewer_page(viewed: Run) -> Path:
    """Its viewer."""
    return viewer.write(viewed)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose every text is hostile."""
    return hostile_run(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def hostile_page(hostile: Run) -> Path:
    """Its viewer."""
    return viewer.write(hostile)
