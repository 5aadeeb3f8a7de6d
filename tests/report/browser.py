"""A real browser for the pages we write: Debian's Chromium, or any on PATH, driven by Playwright.

    def test_it_opens(browser, tmp_path):   # the fixture is in conftest.py
        with opened(browser, tmp_path / "report.html") as seen:
            assert seen.page.title() == "..."
        assert seen.said == []

Playwright itself brings no browser and none is fetched. Without either, these tests skip.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PHONE = 390
"""Width of a phone's page, in CSS pixels."""
WAITS, WAIT_MS = 300, 50


@dataclass
class Seen:
    """A page and what happened in it.

    said: console errors and warnings, errors of scripts and dialogs, as text. requests: the
    address of everything asked for, the page itself first.
    """

    page: Any
    said: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def wait(self, expression: str, argument: Any = None) -> None:
        """Wait until a JavaScript expression, or function of `argument`, is true.

        Not Playwright's own way, which evaluates text in the page: a page's policy forbids that.
        """
        for _ in range(WAITS):
            if self.page.evaluate(expression, argument):
                return
            self.page.wait_for_timeout(WAIT_MS)
        raise AssertionError(f"still not so: {expression}")

    @property
    def beyond(self) -> list[str]:
        """Requests for anything but the page itself."""
        return self.requests[1:]


def executable() -> str | None:
    """The browser's path, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def launched() -> Iterator[Any]:
    """A headless browser, or a visible skip.

    Close it before anything else in this thread uses asyncio: Playwright's loop runs until then.
    """
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = executable()
    if path is None:
        pytest.skip(f"no browser on PATH: {', '.join(NAMES)}")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Any,
    path: Path,
    *,
    at: str = "",
    width: int = 1280,
    height: int = 900,
    dark: bool = False,
    **context: Any,
) -> Iterator[Seen]:
    """A file's page in a new, offline window; `at`: what follows the #; more: for `new_context`."""
    window = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        offline=True,
        **context,
    )
    try:
        seen = Seen(window.new_page())
        _listen(seen)
        seen.page.goto(path.resolve().as_uri() + (f"#{at}" if at else ""))
        yield seen
    finally:
        window.close()


def _listen(seen: Seen) -> None:
    page = seen.page
    page.on("console", lambda message: _console(seen, message))
    page.on("pageerror", lambda error: seen.said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: _dialog(seen, dialog))
    page.on("request", lambda request: seen.requests.append(request.url))


def _console(seen: Seen, message: Any) -> None:
    if message.type in ("error", "warning"):
        seen.said.append(f"{message.type}: {message.text}")


def _dialog(seen: Seen, dialog: Any) -> None:
    seen.said.append(f"{dialog.type}: {dialog.message}")
    dialog.dismiss()
