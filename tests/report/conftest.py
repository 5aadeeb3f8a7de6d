"""The browser of the page tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.report.browser import launched


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser per file of tests; not per session, as its event loop would run in all others."""
    with launched() as started:
        yield started
