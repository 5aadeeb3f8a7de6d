from __future__ import annotations

import re

import pytest

from reason_w2s.report import charts


def drawn(rows: list[charts.Interval]) -> str:
    return charts.intervals(rows, [charts.Reference(50.0, "floor")], "accuracy, %")


def test_a_chart_takes_its_colours_and_size_from_the_page():
    svg = drawn([charts.Interval("a", 40.0, 30.0, 52.0)])
    assert "var(--accent)" in svg and "var(--floor)" in svg
    assert "#1111" not in svg
    assert not re.search(r"<svg[^>]* width=", svg)
    assert "viewBox" in svg and "metadata" not in svg


def test_letters_stay_letters():
    svg = drawn([charts.Interval("student_thinking", 40.0, None, None)])
    assert ">student_thinking</text>" in svg and ">40.0</text>" in svg


def test_a_long_name_is_cut_in_the_middle():
    svg = drawn([charts.Interval("w2sr_p_lora_rank16_long_name", 40.0, None, None)])
    assert "w2sr_p_lora_…6_long_name" in svg


@pytest.mark.parametrize(
    ("values", "limits"),
    [((41.0, 58.0), (40, 60)), ((40.0, 40.0), (40, 50)), ((-3.0, 12.0), (-10, 20))],
)
def test_the_axis_holds_whole_tens(values: tuple[float, float], limits: tuple[int, int]):
    rows = [charts.Interval("a", values[0], None, values[1])]
    assert charts._limits(rows, []) == limits


def test_one_logged_loss_is_a_dot_and_more_are_a_line():
    assert charts.curve([(1.0, 2.0)]) != charts.curve([(1.0, 2.0), (2.0, 1.0)])
    assert "<use" in charts.curve([(1.0, 2.0)])
