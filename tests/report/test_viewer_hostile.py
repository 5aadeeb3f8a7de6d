"""What texts must not do to the trace viewer, and how it looks, in a browser."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reason_w2s.report import command
from reason_w2s.runs.run import Run
from tests.report.browser import PHONE, Seen, opened
from tests.report.viewed import HIT, HOSTILE, embedded, silent

log = logging.getLogger("viewer")
OBEYED = {*"\0\x07\x08\r\x1b\x7f\x9b\u202e\u2067\u2028"}


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
        for name in ("markup", "end", "comment", "template", "more"):
            assert texts(seen, name) == [HOSTILE[name]]
        assert texts(seen, "unseen") == [
            "a[U+0000]b[U+001B][31mc[U+000D]d[U+007F][U+001B]]52;c;aGk=[U+0007][U+009B]2J[U+0008][red]"
        ]
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


def test_hostile_texts_do_nothing_in_the_report(browser, hostile: Run, tmp_path: Path):
    """The page itself: nothing runs, is asked for, is hidden or read backwards."""
    page = command.report([hostile], tmp_path / "report.html", io.StringIO())
    with opened(browser, page) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        made = "script, img, iframe, base, a[href^='javascript'], [onfocus], [onmouseover]"
        assert seen.page.locator(made).count() == 0
        assert seen.page.locator("main").first.is_visible(), "no style of theirs"
        shown = seen.page.locator("body").inner_text()
        assert hit(seen) is None
    assert silent(seen)
    assert "<script>window.hit=1</script>" in shown
    assert not OBEYED & set(page.read_text(encoding="utf-8"))
    assert page.stat().st_size < 2_000_000, "a text of a million characters is cut"


def test_the_report_could_run_nothing(browser, hostile: Run, tmp_path: Path):
    """Were a text ever taken for markup, the page's policy would still hold."""
    page = command.report([hostile], tmp_path / "report.html", io.StringIO())
    opening = page.read_text(encoding="utf-8").replace("<body>", f"<body>{HIT}", 1)
    page.write_text(opening, encoding="utf-8")
    with opened(browser, page) as seen:
        assert seen.page.locator("img").count() == 1
        assert hit(seen) is None
    assert any("Content Security Policy" in one for one in seen.said)
