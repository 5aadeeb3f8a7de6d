from __future__ import annotations

import re

import pytest

from reason_w2s.report import charts
from reason_w2s.report.charts import Dot, Interval, Line, Reference, Scale


def drawn(*rows: Interval, **more: object) -> str:
    return str(charts.intervals(rows, [Reference(50.0, "floor")], "accuracy, %", **more))


def test_letters_are_never_scaled():
    chart = drawn(Interval("a", 40.0, 30.0, 52.0)) + str(
        charts.plot([Line("loss", [Dot(1, 2.0), Dot(9, 1.0)])], ("update", "loss"))
    )
    for box in re.findall(r"<svg[^>]*viewBox[^>]*>.*?</svg>", chart, re.DOTALL):
        assert "<text" not in box and "<circle" not in box
        assert box.count("non-scaling-stroke") == box.count("<poly")
    assert chart.count("<text") > 6


def test_places_are_shares_of_the_axis():
    chart = drawn(Interval("a", 45.0, 42.0, 48.0), Interval("b", 40.0, None, None))
    assert '<line class="accent" x1="20%" y1="50%" x2="80%" y2="50%"/>' in chart
    assert '<circle class="accent" cx="50%"' in chart and '<circle class="accent" cx="0%"' in chart
    assert chart.count('class="ref floor" x1="100%"') == 2
    assert re.findall(r"<text[^>]*>([^<]*)<", chart) == ["40", "42", "44", "46", "48", "50"]


def test_a_name_is_text_and_wraps_at_its_joints():
    chart = drawn(Interval("student_<b>x</b>", 40.0, None, None))
    assert "student_<wbr>&lt;b&gt;x&lt;/<wbr>b&gt;" in chart and "<b>" not in chart
    assert '<span class="value">40.0</span>' in chart


def test_an_interval_beyond_the_axis_is_cut_and_its_value_is_not():
    wide = Interval("a", 1.2, -9.0, 30.0)
    chart = str(charts.intervals([wide], [], "share", least=1.0, within=(-1.0, 2.0)))
    ends = re.search(r'<line class="accent" x1="(\S+)%" y1="50%" x2="(\S+)%"', chart)
    assert ends is not None and ends.groups() == ("0", "100")
    assert ">-1</text>" in chart and ">2</text>" in chart
    far = str(charts.intervals([Interval("a", 7.0, 5.0, 30.0)], [], "share", within=(-1.0, 2.0)))
    assert ">10</text>" in far and ">30</text>" not in far


def test_what_has_no_value_keeps_its_row():
    chart = drawn(Interval("a", 45.0, None, None), Interval("b", None, None, None, said="refused"))
    assert chart.count("<circle") == 1 and '<span class="value">refused</span>' in chart


@pytest.mark.parametrize(
    ("values", "least", "ticks"),
    [
        ((41.0, 58.0), 10.0, (40, 45, 50, 55, 60)),
        ((40.0, 40.0), 10.0, (40, 42, 44, 46, 48, 50)),
        ((-3.0, 12.0), 10.0, (-5, 0, 5, 10, 15)),
        ((0.0, 1.0), 1.0, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        ((0.0, 0.0), 0.0, (0, 0.2)),
        ((7.0, 7.0), 0.0, (6, 8)),
        ((1.0, 1250.0), 1.0, (0, 500, 1000, 1500)),
    ],
)
def test_a_scale_is_round_and_holds_its_values(values, least, ticks):
    scale = charts.scale_of(values, least)
    assert scale.ticks == pytest.approx(ticks)
    assert (scale.low, scale.high) == (ticks[0], ticks[-1])


def test_samples_are_drawn_by_doublings():
    scale = charts.doublings(32)
    assert scale.ticks == (1, 2, 4, 8, 16, 32)
    assert [scale.place(k) for k in (1, 2, 8, 32)] == [0, 20, 60, 100]
    assert charts.doublings(10).ticks == (1, 2, 4, 10)
    assert charts.doublings(30).ticks == (1, 2, 4, 8, 16, 30)


def test_a_line_is_drawn_upwards_with_its_band():
    line = Line("pass", [Dot(1, 10.0, 5.0, 15.0), Dot(2, 20.0, 15.0, 25.0)], "two")
    across, up = Scale(1.0, 2.0, (1, 2)), Scale(0.0, 40.0, (0, 40))
    chart = str(charts.plot([line], ("k", "%"), across=across, up=up))
    assert '<polyline class="two" points="0,75 100,50"' in chart
    assert '<polygon class="band two" points="0,87.5 100,62.5 100,37.5 0,62.5"' in chart
    assert chart.count('<circle class="two"') == 2


def test_a_long_line_shows_no_points_and_one_point_no_line():
    long = [Dot(x, 1.0) for x in range(40)]
    assert "<circle" not in charts.plot([Line("a", long)], ("x", "y"))
    single = charts.plot([Line("a", [Dot(5, 1.0)])], ("x", "y"))
    assert single.count("<circle") == 1
    assert "nan" not in single and "inf" not in single


def test_x_ends_with_its_values():
    chart = charts.plot([Line("a", [Dot(x, 1.0) for x in (1, 60, 120)])], ("update", "loss"))
    assert 'points="0.83,' in chart and " 100," in chart and ">150<" not in chart
