"""The browser hears what a page says, asks for and does."""

from __future__ import annotations

from pathlib import Path

from tests.report.browser import PHONE, opened

PAGE = "<!doctype html><meta charset=utf-8><title>Page</title><link rel=icon href=data:,>"


def write(folder: Path, body: str) -> Path:
    path = folder / "page.html"
    path.write_text(PAGE + body)
    return path


def test_a_silent_page_says_nothing(browser, tmp_path):
    with opened(browser, write(tmp_path, "<p>silent"), at="here", width=PHONE) as seen:
        assert seen.page.title() == "Page"
        assert seen.page.evaluate("[location.hash, innerWidth]") == ["#here", PHONE]
    assert (seen.said, len(seen.requests), seen.beyond) == ([], 1, [])


def test_what_goes_wrong_is_heard(browser, tmp_path):
    (tmp_path / "other.js").write_text("console.warn('loaded')")
    body = "<script src=other.js></script><script>console.error('said'); alert(1); no()</script>"
    with opened(browser, write(tmp_path, body)) as seen:
        pass
    assert seen.said[:3] == ["warning: loaded", "error: said", "alert: 1"]
    assert "no is not defined" in seen.said[3]
    assert [url.rpartition("/")[2] for url in seen.beyond] == ["other.js"]


def test_waiting_works_under_a_policy(browser, tmp_path):
    policy = "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'\"><p>x</p>"
    with opened(browser, write(tmp_path, policy)) as seen:
        seen.page.evaluate("setTimeout(() => document.querySelector('p').textContent = 'y', 200)")
        seen.wait("wanted => document.querySelector('p').textContent === wanted", "y")
    assert seen.said == []


def test_dark_is_asked_for(browser, tmp_path):
    dark = "matchMedia('(prefers-color-scheme: dark)').matches"
    for wish in (False, True):
        with opened(browser, write(tmp_path, ""), dark=wish) as seen:
            assert seen.page.evaluate(dark) is wish
