from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reason_w2s.report import html
from tests.report.results import HOSTILE, full, score

SECTIONS = (
    "results",
    "gaps",
    "comparisons",
    "levels",
    "flow",
    "checks",
    "training",
    "examples",
    "cost",
    "recipe",
    "environment",
)
VOID = {"meta", "br", "wbr"}


class Page(HTMLParser):
    """What a browser would see: open tags matched, tags and ids counted, text of <pre> kept."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.pres: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for key, value in attrs if key == "id"]
        self.links += [value for key, value in attrs if key in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "pre":
            self.pres.append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        if "pre" in self.stack:
            self.pres[-1] += data


def test_every_section_is_there_once_and_reachable():
    page = Page(html.render(full()))
    assert [name for name in page.ids if name in SECTIONS] == list(SECTIONS)
    assert [link for link in page.links if link[1:] in SECTIONS] == [f"#{n}" for n in SECTIONS]
    assert page.stack == []


def test_a_trace_is_text_and_never_markup():
    text = html.render(full())
    page = Page(text)
    assert "script" not in page.tags
    assert HOSTILE.replace("\n", "⏎\n") in page.pres
    assert "&lt;script&gt;" in text


def test_text_marks_the_end_of_each_line_and_loses_nothing():
    marked = str(html.text("a\n\n b<\n"))
    assert marked.count("⏎") == 3
    assert re.sub(r"<span.*?</span>", "", marked) == "a\n\n b&lt;\n"


def test_the_same_results_give_the_same_bytes(tmp_path: Path):
    for name in ("a.html", "b.html"):
        html.write(full(), tmp_path / name)
    first = (tmp_path / "a.html").read_bytes()
    assert first == (tmp_path / "b.html").read_bytes()
    changed = full()
    changed["scores"][1]["accuracy"] = 0.61
    assert html.render(changed).encode() != first


def test_nothing_is_fetched_from_elsewhere():
    text = html.render(full())
    page = Page(text)
    assert all(link.startswith("#") for link in page.links)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(http" not in text and "@import" not in text


def test_names_inside_charts_are_unique_and_all_used():
    page = Page(html.render(full()))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)


@pytest.mark.parametrize("key", [key for key, value in full().items() if isinstance(value, list)])
def test_any_list_may_be_empty(key: str):
    page = Page(html.render({**full(), key: []}))
    assert set(SECTIONS) <= set(page.ids)


def test_a_report_of_nothing_says_so():
    text = html.render({"name": "nothing"})
    assert "Nothing was sampled, trained or evaluated." in text
    assert "Nothing was evaluated." in text and "Nothing was trained." in text


def test_a_refused_gap_shows_its_reason_and_accuracies():
    text = html.render(full())
    assert "refused: floor and ceiling are not separable" in text
    gap = text[text.index('id="gaps"') : text.index('id="comparisons"')]
    assert "62.0" in gap and "0.00" not in gap


def test_a_missing_number_is_never_shown_as_zero():
    text = html.render({**full(), "scores": [score("lost", None)]})
    results = text[text.index('id="results"') : text.index('id="gaps"')]
    assert "No accuracy was measured." in results
    # the accuracies by last and by first answers, and the truncation rate
    assert results.count("not measured") == 3


def test_teacher_and_ceiling_are_drawn_as_lines():
    text = html.render(full())
    assert '<span class="key floor"></span>teacher' in text
    assert '<span class="key ceiling"></span>ceiling' in text
    other = {**full(), "gaps": [], "scores": [score("tuned", 0.6)]}
    assert '<span class="key' not in html.render(other)


def test_levels_that_are_numbers_are_in_number_order():
    text = html.render(full())
    assert text.index("level 2<") < text.index("level 10<")


def test_the_first_sentence_counts_what_was_done():
    assert (
        "4,000 reasoning traces sampled, 1 training set chosen, 1 model trained and 4 "
        "models evaluated on world_test (600 problems)."
    ) in html.render(full())


def test_twelve_models_and_two_suites_render():
    scores = [
        score(f"a_model_with_quite_a_long_name_{i}", i / 12, suite)
        for suite in ("world_test", "world_held_out_templates")
        for i in range(12)
    ]
    text = html.render({**full(), "scores": scores})
    assert text.count("<svg") == 2 + 1 + 1  # accuracy twice, one comparison, one loss curve
    assert "a_<wbr>model" in text


def test_steps_that_measure_are_folded_and_their_cost_is_summed():
    text = html.render(full())
    cost = text[text.index('id="cost"') : text.index('id="recipe"')]
    shown, folded = cost.split("<details>")
    assert "evaluation, all steps" in shown and ">100<" in shown and ">3.0 s<" in shown
    assert "eval/" not in shown and ">77<" in folded


def test_a_gap_without_a_ceiling_is_in_points():
    gap = {"name": "gain", "suite": "world_test", "floor": "teacher", "reached": "tuned"}
    gap |= {"value": 0.22, "low": 0.17, "high": 0.27, "accuracies": {"floor": 0.4, "reached": 0.62}}
    text = html.render({**full(), "gaps": [gap]})
    assert "22.0 points" in text and "[17.0, 27.0]" in text


def test_a_share_of_the_gold_gain_starts_from_its_base():
    gap = {"name": "share", "suite": "world_test", "base": "student", "reached": "tuned"}
    gap |= {"ceiling": "ceiling", "value": 0.5, "low": 0.2, "high": 0.8}
    gap |= {"accuracies": {"base": 0.123, "reached": 0.62, "ceiling": 0.75}}
    text = html.render({**full(), "gaps": [gap]})
    assert "12.3" in text and "<small>student</small>" in text and "[0.20, 0.80]" in text


def test_warnings_stand_on_top_and_overlaps_beside_the_suites_question():
    text = html.render(full())
    assert text.index("stopped by itself on 80.0% of its &lt;answers&gt;") < text.index("<nav>")
    pair = text[text.index("training problems that it asks too") : text.index('id="training"')]
    assert "1 of 4,000 training problems (train)" in pair
    assert "t&lt;1&gt;" in pair and "3 &lt;b&gt;pens" in pair and "Anna has 3 pens." in pair
    assert 'class="warnings"' not in html.render({**full(), "warnings": []})


def test_times_are_said_to_be_of_processes():
    text = html.render(full())
    assert "<th>time</th>" not in text
    for start, end in (("training", "examples"), ("cost", "recipe"), ("recipe", "environment")):
        section = text[text.index(f'id="{start}"') : text.index(f'id="{end}"')]
        assert "<th>process time</th>" in section
    assert "time of every process" in text[text.index('id="cost"') :]


def test_a_table_that_scrolls_shows_that_there_is_more():
    style, page = html.render(full()).split("</style>", maxsplit=1)
    rule = style[style.index(".scroll {") :].split("}")[0]
    assert "overflow-x: auto" in rule and "var(--shadow)" in rule and "local" in rule
    assert style.count("--shadow:") == 2  # light and dark
    narrow = style[style.index("@media (max-width: 40rem)") : style.index("@media print")]
    assert "small.interval { display: block; }" in narrow  # under its value: the column is in view
    print_style = style[style.index("@media print") :]
    assert "background: none" in print_style
    assert page.count("<table>") == page.count('<div class="scroll">')
