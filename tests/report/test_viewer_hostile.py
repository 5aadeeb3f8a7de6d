"""What texts must not do to the trace viewer, and how it looks, in a browser."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import PHONE, Seen, opened
from tests.report.viewed import HOSTILE, embedded, silent

log = logging.getLogger("viewer")


def hit(seen: Seen) -> Any:
    return seen.page.evaluate("window.hit")


def test_hostile_texts_do_nothing(browser, hostile_page: Path):
    with opened(browser, hostile_page) as seen:
        assert seen.page.locator("#rows .row").count() == len(HOSTILE)
        seen.page.fill("#search", "<img")
        seen.wait("location.hash.includes('q=')")
        seen.page.keyboard.press("Escape")
        seen.page.locator("#rows .row").first.click()
        assert seen.page.locator("article.trace").count() == len(HOSTILE)
        for summary in seen.page.locator("summary:visible").all():
            summary.click()
        for _ in range(seen.page.locator("button.fold:visible").count()):
            seen.page.locator("button.fold:visible").first.click()
        seen.page.goto(f"{hostile_page.as_uri()}#view=pairs")
        assert seen.page.locator("article.pair").count()
        assert hit(seen) is None
        assert seen.page.locator("img, iframe, object").count() == 0
    assert silent(seen)


def texts(seen: Seen, name: str) -> list[str]:
    card = seen.page.locator("article.trace", has_text=f"{name}<img")
    if card.locator(".folded > .fold").count():
        card.locator(".folded > .fold").first.click()
    return card.locator(".steps .text").evaluate_all("all => all.map(one => one.textContent)")


def test_hostile_texts_are_shown_whole(browser, hostile_page: Path):
    place = embedded(hostile_page)["problems"][0]["link"]
    with opened(browser, hostile_page) as seen:
        seen.page.evaluate("to => { location.hash = new URLSearchParams({ problem: to }) }", place)
        seen.page.wait_for_selector("article.trace")
        for name in ("markup", "end", "comment", "template"):
            assert texts(seen, name) == [HOSTILE[name]]
        assert texts(seen, "unseen") == ["a[U+0000]b[U+001B][31mc[U+000D]d[U+007F]"]
        assert texts(seen, "bidi") == ["(a [U+202E] reversed [U+2067] b"]
        assert texts(seen, "line") == [HOSTILE["line"]]
        fold = seen.page.locator("article.trace", has_text="lines<img").locator(".fold").first
        said = "Show all: 10,000 lines, 98,890 characters; the first wrong step is below"
        assert fold.inner_text() == said
        assert texts(seen, "lines") == HOSTILE["lines"].split("\n")
        wrong = seen.page.locator("article.trace", has_text="lines<img").locator("li.wrong .text")
        assert wrong.inner_text() == "1 + 1 = 3"
        log.info("hostile_page run ready after %.0f ms", seen.page.evaluate(
            "performance.getEntriesByName('ready')[0].startTime"))  # fmt: skip
    assert silent(seen)


def test_the_page_itself_could_not_make_markup_from_text(browser, viewer_page: Path):
    with opened(browser, viewer_page) as seen:
        for code in (
            "document.body.innerHTML = '<b>x</b>'",
            "document.createElement('script').text = 'window.hit = 1'",
        ):
            with pytest.raises(Exception, match="requires 'Trusted"):
                seen.page.evaluate(code)
        seen.page.evaluate("fetch('data:,x').catch(() => 0)")
        assert hit(seen) is None
    assert any("Content Security Policy" in one for one in seen.said)


VIEWS = ("", "view=pairs", "problem=p3")


@pytest.mark.parametrize("at", VIEWS)
def test_it_fits_a_phone(browser, viewer_page: Path, at: str):
    with opened(browser, viewer_page, at=at, width=PHONE, height=844) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") == PHONE
        assert not seen.page.locator("#facets").is_visible()
        tops = seen.page.locator("article.trace").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().left)"
        )
        assert len(set(tops)) <= 1


def test_hostile_texts_fit_a_phone(browser, hostile_page: Path):
    with opened(browser, hostile_page, width=PHONE, height=844) as seen:
        widths = [seen.page.evaluate("document.documentElement.scrollWidth")]
        for row in ("#rows .row", "#to-pairs"):
            seen.page.locator(row).first.click()
            widths.append(seen.page.evaluate("document.documentElement.scrollWidth"))
        assert widths == [PHONE] * 3


def background(seen: Seen) -> list[int]:
    colour = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    return [int(number) for number in re.findall(r"\d+", colour)]


def test_light_and_dark(browser, viewer_page: Path):
    def both() -> Iterator[list[int]]:
        for dark in (False, True):
            with opened(browser, viewer_page, dark=dark) as seen:
                yield background(seen)

    light, dark = both()
    assert min(light) > 200 and max(dark) < 60
