"""The report in a browser: it opens alone and in silence, fits a phone, and text stays text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reason_w2s.report import html
from reason_w2s.report.html import SECTIONS
from tests.report.browser import PHONE, opened
from tests.report.results import full, sampled, score

EVIL = (
    "</td></pre></style><script>alert(1)</script><img src=x onerror=alert(2)>\"' onload=alert(3) "
    "\u202e\x1b[31m\x9b "
)
OPEN = {
    "by_level",
    "by_subject",
    "dropped",
    "status",
    "rules",
    "flags",
    "kinds",
    "sets",
    "sampling",
}
"""Where keys come from data, not from us."""


def hostile(value: Any, *, keys: bool = False) -> Any:
    """Every text made hostile, the same text always the same."""
    if isinstance(value, str):
        return EVIL + value
    if isinstance(value, Mapping):
        return {
            EVIL + name if keys else name: hostile(one, keys=name in OPEN)
            for name, one in value.items()
        }
    return [hostile(one) for one in value] if isinstance(value, list) else value


def wide() -> dict[str, Any]:
    """Long names, many models: what does not fit a phone by itself."""
    names = [f"a_student_with_quite_a_long_name_{number}" for number in range(12)]
    scores = [score(name, 0.4 + number / 50) for number, name in enumerate(names)]
    return {**full(), "scores": [*full()["scores"], *scores, sampled(names[0], 0.41)]}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of one run, of several, of hostile ones and of a wide one."""
    folder = tmp_path_factory.mktemp("pages")
    made = {
        "one": {"quick": full()},
        "several": {"seed0": full(), "seed1": wide()},
        "hostile": {EVIL + "a": hostile(full()), EVIL + "b": hostile(wide())},
        "wide": {"wide": wide()},
        "nothing": {"nothing": {"name": "nothing"}},
    }
    for name, results in made.items():
        html.write(results, folder / f"{name}.html")
    return {name: folder / f"{name}.html" for name in made}


def test_marks_that_are_not_seen_are_spelled_out():
    text = html.render({EVIL + "a": hostile(full()), EVIL + "b": hostile(wide())})
    assert not {*"\u202e\x1b\x9b"} & set(text)
    assert text.count("\\u202e\\u001b[31m\\u009b") > 100


@pytest.mark.parametrize("name", ["one", "several", "hostile", "wide", "nothing"])
@pytest.mark.parametrize("width", [1280, PHONE])
def test_it_opens_alone_in_silence_and_no_wider_than_the_window(browser, pages, name, width):
    with opened(browser, pages[name], width=width) as seen:
        widths = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert seen.said == [] and seen.beyond == []
    assert widths[0] <= widths[1] == width


def test_all_sections_are_seen_and_reached(browser, pages):
    with opened(browser, pages["one"]) as seen:
        for section in SECTIONS:
            seen.page.click(f"nav a[href='#{section}']")
            box = seen.page.locator(f"#{section} h2").bounding_box()
            assert seen.page.evaluate("location.hash") == f"#{section}"
            assert box is not None and box["height"] > 0 and -1 <= box["y"] < 900
    assert seen.said == []


def test_every_text_of_a_chart_is_as_large_on_a_phone_as_the_page_says(browser, pages):
    sizes = """[...document.querySelectorAll('svg text')].map(one =>
        parseFloat(getComputedStyle(one).fontSize) * one.getScreenCTM().a)"""
    labels = """[...document.querySelectorAll('.dots > *, .axis-name')].map(one =>
        parseFloat(getComputedStyle(one).fontSize))"""
    with opened(browser, pages["wide"], width=PHONE) as seen:
        found = [*seen.page.evaluate(sizes), *seen.page.evaluate(labels)]
    assert len(found) > 100 and min(found) >= 12


def test_dots_stand_where_their_values_are_at_every_width(browser, pages):
    place = """() => {const track = document.querySelector('#results .track');
        const dot = track.querySelector('circle').getBoundingClientRect();
        const box = track.getBoundingClientRect();
        return (dot.x + dot.width / 2 - box.x) / box.width}"""
    for width in (1280, PHONE):
        with opened(browser, pages["one"], width=width) as seen:
            # 40% on an axis from 30 to 80
            assert seen.page.evaluate(place) == pytest.approx(0.2, abs=0.01)


def test_wide_tables_scroll_in_their_own_box(browser, pages):
    boxes = """[...document.querySelectorAll('table')].map(one => {
        const box = one.closest('.scroll');
        return [box.scrollWidth > box.clientWidth, getComputedStyle(box).overflowX]})"""
    with opened(browser, pages["wide"], width=PHONE) as seen:
        found = seen.page.evaluate(boxes)
    assert {how for _, how in found} == {"auto"}
    assert any(wider for wider, _ in found)


def test_it_is_dark_where_that_is_preferred_and_light_in_print(browser, pages):
    colours = """() => {const style = getComputedStyle(document.body);
        return [style.backgroundColor, style.color].map(one =>
            one.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + +part, 0))}"""
    with opened(browser, pages["one"], dark=True) as seen:
        page, ink = seen.page.evaluate(colours)
        assert page < 150 and ink > 600
        seen.page.emulate_media(media="print", color_scheme="dark")
        page, ink = seen.page.evaluate(colours)
        assert ink < 150 and page > 700
    with opened(browser, pages["one"]) as seen:
        page, ink = seen.page.evaluate(colours)
        assert ink < 150 and page > 700


def test_its_tables_fit_a_printed_page(browser, pages):
    widths = "[document.documentElement.scrollWidth, innerWidth]"
    with opened(browser, pages["one"], width=718) as seen:  # A4 less its margins
        seen.page.emulate_media(media="print")
        inner, window = seen.page.evaluate(widths)
    assert inner <= window == 718


def test_a_number_says_where_it_comes_from(browser, pages):
    with opened(browser, pages["one"]) as seen:
        cell = seen.page.locator("#results td[data-row='tuned on world_test'][data-field=accuracy]")
        assert cell.get_attribute("title") == "quick · rows bbbb11112222 · 0.62 [0.58, 0.66]"
        assert cell.inner_text().split() == ["62.0", "[58.0,", "66.0]"]


def test_hostile_text_is_shown_and_does_nothing(browser, pages):
    with opened(browser, pages["hostile"]) as seen:
        seen.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        made = seen.page.evaluate("document.querySelectorAll('script, img, [onload]').length")
        shown = seen.page.locator("main").first.inner_text()
    assert made == 0 and seen.said == []
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in shown
