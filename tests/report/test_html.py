from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reason_w2s.report import html
from reason_w2s.report.cells import cells
from reason_w2s.report.html import SECTIONS
from tests.report.results import HOSTILE, full, gap, score

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


def rendered(results: dict) -> str:
    return html.render({"quick": results})


def section(text: str, name: str) -> str:
    start = text.index(f'<section id="{name}">')
    return text[start : text.index("</section>", start)]


def test_every_section_is_there_once_and_reachable():
    page = Page(rendered(full()))
    assert [name for name in page.ids if name in SECTIONS] == list(SECTIONS)
    assert page.links[: len(SECTIONS)] == [f"#{name}" for name in SECTIONS]
    assert page.stack == []


def test_a_trace_is_text_and_never_markup():
    text = rendered(full())
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
        html.write({"quick": full()}, tmp_path / name)
    first = (tmp_path / "a.html").read_bytes()
    assert first == (tmp_path / "b.html").read_bytes()
    changed = full()
    changed["scores"][1]["accuracy"] = 0.61
    assert rendered(changed).encode() != first


def test_nothing_is_fetched_from_elsewhere():
    text = rendered(full())
    page = Page(text)
    assert all(link.startswith("#") for link in page.links)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert "url(http" not in text and "@import" not in text


def test_the_viewer_is_linked_where_it_stands_beside_the_page():
    text = html.render({"quick": full()}, "traces.html")
    assert '<a class="strong" href="traces.html">all traces</a>' in text
    assert "traces.html" not in rendered(full())


def test_names_inside_charts_are_unique_and_all_used():
    page = Page(rendered(full()))
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)


@pytest.mark.parametrize("key", [key for key, value in full().items() if isinstance(value, list)])
def test_any_list_may_be_empty(key: str):
    page = Page(rendered({**full(), key: []}))
    assert set(SECTIONS) <= set(page.ids)


def test_a_report_of_nothing_says_so():
    text = rendered({"name": "nothing"})
    assert "Nothing was sampled, trained or evaluated." in text
    assert "Nothing was evaluated." in text and "Nothing was trained." in text


def test_a_refused_gap_shows_its_reason_and_accuracies():
    text = rendered(full())
    assert "refused: floor and ceiling are not separable" in text
    gaps = section(text, "gaps")
    row = gaps[gaps.rindex("<tr>", 0, gaps.index("refused: floor")) :].split("</tr>")[0]
    assert "40.0" in row and "62.0" in row and "75.0" in row and "0.00" not in row


def test_a_missing_number_is_never_shown_as_zero():
    text = rendered({**full(), "scores": [score("lost", None)]})
    results = section(text, "results")
    assert "No accuracy was measured." in results
    # the accuracies by last and by first answers, and the truncation rate; seen and pointed at
    assert results.count(">not measured<") == 3
    assert results.count('data-value=""') == results.count('· not measured"') == 3


def test_teacher_and_ceiling_are_drawn_as_lines():
    text = rendered(full())
    assert '<span class="key floor"></span>teacher' in text
    assert '<span class="key ceiling"></span>ceiling' in text
    other = {**full(), "gaps": [], "scores": [score("tuned", 0.6)]}
    assert '<span class="key' not in rendered(other)


def test_levels_that_are_numbers_are_in_number_order():
    text = rendered(full())
    assert text.index("level 2<") < text.index("level 10<")


def test_the_first_sentence_counts_what_was_done():
    assert (
        "4,000 reasoning traces sampled, 1 training set chosen, 1 model trained and 4 "
        "models evaluated on world_test (600 problems), drawn (30 problems)."
    ) in rendered(full())


def test_twelve_models_and_two_suites_render():
    scores = [
        score(f"a_model_with_quite_a_long_name_{i}", i / 12, suite)
        for suite in ("world_test", "world_held_out_templates")
        for i in range(12)
    ]
    text = rendered({**full(), "scores": scores})
    assert section(text, "results").count('<div class="dots"') == 2
    assert section(text, "results").count('<span class="label">') == 24
    assert "a_<wbr>model" in text


def test_steps_that_measure_are_folded_and_their_cost_is_summed():
    text = rendered(full())
    cost = section(text, "cost")
    shown, folded = cost.split("<details>")
    assert "evaluation, all steps" in shown and ">100<" in shown and ">3.0 s<" in shown
    assert "eval/" not in shown and ">77<" in folded


def test_a_gap_without_a_ceiling_is_in_points():
    gain = gap("gain", measure="gain", ceiling=None, value=0.22, low=0.17, high=0.27)
    gain["accuracies"] = {"start": 0.4, "reached": 0.62, "ceiling": None}
    gaps = section(rendered({**full(), "gaps": [gain]}), "gaps")
    assert "22.0 points" in gaps and "[17.0, 27.0]" in gaps and "gain, points" in gaps
    assert 'data-key="aaaa11112222 bbbb11112222"' in gaps and ">none<" in gaps


def test_a_gap_names_its_measure_and_the_three_accuracies():
    share = gap("share", measure="share of the gold-SFT gain", value=0.5, low=0.2, high=0.8)
    share["accuracies"] = {"start": 0.123, "reached": 0.62, "ceiling": 0.75}
    gaps = section(rendered({**full(), "gaps": [share]}), "gaps")
    assert ">share of the gold-SFT gain<" in gaps and "[0.20, 0.80]" in gaps
    assert ">12.3<br><small>teacher</small>" in gaps


def test_controls_that_were_not_measured_say_so():
    gaps = section(rendered(full()), "gaps")
    rows = gaps[gaps.index("<h3>Controls</h3>") :].split("<tr>")[2:]
    assert [row.split("</th>")[0].split(" (")[0] for row in rows] == [
        "\n    <th>headroom",
        "\n    <th>own gold",
        "\n    <th>self-distilled",
    ]
    assert rows[0].count("not measured") == 3  # measured by name, but it has no accuracy
    assert "75.0" in rows[1] and rows[2].count("not measured") == 3


def test_curves_are_drawn_where_there_are_samples():
    samples = section(rendered(full()), "samples")
    assert samples.count('<div class="plot"') == 2 and samples.count("pass@k") == 1 + 1 + 2
    assert 'data-field="maj@4" data-value="0.54" data-low="0.27" data-high="0.75"' in samples
    one = section(rendered({**full(), "scores": [score("tuned", 0.6)]}), "samples")
    assert "sampled once" in one and '<div class="plot"' not in one
    assert "2.01" in one  # the standard error over problems and samples together


def test_breakdowns_need_two_groups():
    breakdowns = section(rendered(full()), "breakdowns")
    assert "by level" in breakdowns and "by subject" not in breakdowns
    assert 'data-field="level 10" data-value="0.2"' in breakdowns


def test_lengths_say_what_they_tell_of_pairs():
    lengths = section(rendered(full()), "lengths")
    assert "A length-only classifier predicts chosen with AUC 0.61 [0.57, 0.65]" in lengths
    assert lengths.count('<line class="inner') == 2 and ">44<" in lengths


def test_checkpoints_are_a_curve():
    training = section(rendered(full()), "training")
    assert training.count('<div class="plot"') == 2  # the loss, and the accuracy
    assert 'data-field="accuracy at 40 updates" data-value="0.4"' in training
    assert "checkpoint" not in section(rendered({**full(), "checkpoints": []}), "training")


def test_label_use_and_the_cost_of_a_kept_example_are_there():
    text = rendered(full())
    labels = section(text, "labels")
    assert labels.count("<tr>") == 1 + 4 and "train (1,000 answers)" in labels
    cost = section(text, "cost")
    assert "138.4" in cost and "0.027" in cost


def test_what_was_learned_is_made_of_the_sentences():
    learned = section(rendered(full()), "learned")
    assert "tuned: PGR 0.63 [0.50, 0.75]" in learned
    assert "tuned is above teacher by 22.0 points" in learned
    assert (
        "Within noise, so not shown to differ, in points: ceiling against tuned (+1.3)." in learned
    )
    between = "Between teacher and ceiling: floor and ceiling are not separable (so no refused_pgr)"
    assert between in learned
    assert "Accuracies go from teacher (40.0%) to ceiling (75.0%)." in learned


def test_flips_are_listed_as_text_and_capped():
    text = section(rendered(full()), "comparisons")
    assert "<code>w149</code>" in text and "<code>l&lt;1&gt;</code>" in text
    many = full()
    many["comparisons"][0]["wins"] = [f"w{number}" for number in range(1201)]
    text = section(rendered(many), "comparisons")
    assert "<code>w199</code>" in text and "w200" not in text and "1,001 more" in text


def test_every_number_of_scores_comparisons_and_gaps_says_where_it_comes_from():
    text = rendered(full())
    found = cells(text)
    assert {cell.run for cell in found} == {"quick"}
    assert all(
        re.fullmatch(r"[a-z0-9]{12}( [a-z0-9]{12})*", cell.key) for cell in found if cell.key
    )
    assert len({cell.place for cell in found}) == len(found)
    by = {(cell.section, cell.row, cell.field): cell for cell in found}
    accuracy = by["results", "tuned on world_test", "accuracy"]
    assert accuracy.values == ("0.62", "0.58", "0.66") and accuracy.key == "bbbb11112222"
    assert accuracy.text == "62.0 [58.0, 66.0]"
    wins = by["comparisons", "tuned against teacher on world_test", "wins"]
    assert wins.values == ("150",) and wins.key == "bbbb11112222 aaaa11112222"
    value = by["gaps", "pgr on world_test", "PGR"]
    assert value.key == "aaaa11112222 bbbb11112222 cccc11112222" and value.values[0] == "0.6286"
    assert by["gaps", "pgr on world_test", "n"].values == ("600",)
    assert 'title="quick · rows bbbb11112222 · 0.62 [0.58, 0.66]"' in text


def test_several_runs_stand_side_by_side_and_then_each_by_itself():
    other = full()
    other["scores"] = [score("tuned", 0.71), score("only_here", 0.1)]
    text = html.render({"seed1": full(), "seed<2>": other})
    page = Page(text)
    side = section(text, "side")
    assert page.ids.index("side") < page.ids.index("run1-learned") < page.ids.index("run2-learned")
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert '<circle class="one"' in side and '<circle class="two"' in side
    row = side[side.index("<th>tuned</th>") :].split("</tr>")[0]
    assert 'data-run="seed1"' in row and 'data-run="seed&lt;2&gt;"' in row
    assert "62.0" in row and "71.0" in row and "n 600" in row
    alone = side[side.index("<th>only_<wbr>here</th>") :].split("</tr>")[0]
    assert "not in it" in alone and "10.0" in alone
    assert ">refused<" in side and "<2>" not in text
    assert {cell.run for cell in cells(text)} == {"seed1", "seed<2>"}


def test_warnings_stand_on_top_and_overlaps_beside_the_suites_question():
    text = rendered(full())
    assert text.index("stopped by itself on 80.0% of its &lt;answers&gt;") < text.index("<nav>")
    pair = section(text, "checks")
    assert "1 of 4,000 training problems (train)" in pair
    assert "t&lt;1&gt;" in pair and "3 &lt;b&gt;pens" in pair and "Anna has 3 pens." in pair
    assert 'class="warnings"' not in rendered({**full(), "warnings": []})


def test_times_are_said_to_be_of_processes():
    text = rendered(full())
    assert "<th>time</th>" not in text
    for name in ("training", "cost", "recipe"):
        assert "<th>process time</th>" in section(text, name)
    assert "time of every process" in text[text.index('id="cost"') :]


def test_a_table_that_scrolls_shows_that_there_is_more():
    style, page = rendered(full()).split("</style>", maxsplit=1)
    rule = style[style.index(".scroll {") :].split("}")[0]
    assert "overflow-x: auto" in rule and "var(--shadow)" in rule and "local" in rule
    assert style.count("--shadow:") == 2  # light and dark
    narrow = style[style.index("@media (max-width: 40rem)") : style.index("@media print")]
    assert "small.interval { display: block; }" in narrow  # under its value: the column is in view
    print_style = style[style.index("@media print") :]
    assert "background: none" in print_style
    assert page.count("<table>") == page.count('<div class="scroll">')
