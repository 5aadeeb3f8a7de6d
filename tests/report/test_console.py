from __future__ import annotations

import io

from rich.console import Console

from reason_w2s.report import console
from tests.report.results import full, sampled, score


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(results: dict, file: io.StringIO) -> str:
    console.show(results, file)
    return file.getvalue()


def test_a_file_gets_plain_text_of_a_hundred_columns_with_nothing_cut():
    long = "a_model_with_" + "long_" * 20 + "name"
    results = {**full(), "scores": [score(long, 0.6234)], "warnings": []}
    text = shown(results, io.StringIO())
    assert "\x1b" not in text and text.isascii()
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    row = next(line for line in lines if "62.3 [58.3, 66.3]" in line)
    assert row.split()[-2:] == ["1,000", "1"]
    folded = [line.split()[0] for line in lines[lines.index(row) :] if line.strip()]
    assert "".join(folded[: folded.index("n.m.:")]) == long


def test_a_model_made_elsewhere_has_unknown_labels():
    text = shown({**full(), "scores": [{**score("hub", 0.5), "labels": None}]}, io.StringIO())
    assert next(line for line in text.splitlines() if "hub" in line).split()[-2:] == ["n.k."] * 2
    assert "n.k.: not known" in text


def test_n_is_problems_by_samples():
    scores = [score("one", 0.5), sampled("four", 0.5), {**sampled("odd", 0.5), "samples": 119}]
    lines = shown({**full(), "scores": scores}, io.StringIO()).splitlines()
    for name, said in (("one", "600"), ("four", "30x4"), ("odd", "30 (119)")):
        assert f" {said} " in next(line for line in lines if line.strip().startswith(name))


def test_the_widest_numbers_fit_a_hundred_columns():
    wide = {**score("student", 1.0), "n": 13_190, "samples": 13_190 * 64}
    wide |= {"low": 0.9, "high": 1.0, "first_accuracy": 0.5, "mean_tokens": 16_384.5}
    wide |= {"labels": {"answers": 100_000, "solutions": 100_000}, "stop_rate": 1.0}
    text = shown({**full(), "scores": [wide], "warnings": []}, io.StringIO())
    assert max(map(len, text.splitlines())) <= 100
    assert "student " in text and "100.0 [90.0, 100.0]" in text
    assert "13,190x64" in text and "16,384.5" in text


def test_a_missing_number_is_said_to_be_missing():
    text = shown({**full(), "scores": [score("lost", None)]}, io.StringIO())
    row = next(line for line in text.splitlines() if "lost" in line)
    assert row.count("n.m.") == 3  # accuracy, interval, cut
    assert "n.m.: not measured" in text
    assert "n.m." not in shown({**full(), "scores": []}, io.StringIO())


def test_each_suite_has_its_own_block():
    scores = [score("m", 0.5, suite) for suite in ("easy", "hard")]
    lines = shown({**full(), "scores": scores}, io.StringIO()).splitlines()
    blocks = [line.strip(" |") for line in lines if line.strip(" |").startswith(("easy:", "hard:"))]
    assert len(blocks) == 2
    assert sum("50.0" in line for line in lines) == 2


def test_nothing_evaluated_is_said():
    nothing = {**full(), "scores": [], "warnings": []}
    for file in (io.StringIO(), Terminal()):
        assert shown(nothing, file) == f"{nothing['name']}: nothing was evaluated\n"


def test_a_name_is_not_read_as_markup():
    text = shown({**full(), "scores": [score("[red]m[/red]", 0.5)]}, io.StringIO())
    assert "[red]m[/red]" in text


def test_eighty_columns_are_enough_for_every_number():
    models = ("student_thinking", "teacher_self_distilled", "w2sr_p_lora_rank16_long_name")
    results = {**full(), "scores": [score(name, 0.6234) for name in models]}
    narrow = Console(file=io.StringIO(), width=80)
    narrow.print(console.table(results))
    text = narrow.file.getvalue()
    assert text.count("62.3 [58.3, 66.3]") == 3 and "…" not in text


def test_a_terminal_gets_the_same_rows():
    assert "62.0" in shown(full(), Terminal())


def test_first_answers_have_a_column_only_where_they_are_another_figure():
    assert "first" not in shown(full(), io.StringIO())
    other = {**score("tuned", 0.6234), "first_accuracy": 0.6741}
    results = {**full(), "scores": [score("teacher", 0.4), other]}
    row = next(line for line in shown(results, io.StringIO()).splitlines() if "tuned" in line)
    assert "62.3 [58.3, 66.3]" in row and "67.4" in row
    narrow = Console(file=io.StringIO(), width=80)
    narrow.print(console.table(results))
    assert "62.3 [58.3, 66.3]" in narrow.file.getvalue()


def test_warnings_come_last():
    lines = shown(full(), io.StringIO()).splitlines()
    said = "warning: tuned on world_test: stopped by itself on 80.0% of its <answers>"
    assert lines[-1] == said
    assert "warning" not in shown({**full(), "warnings": []}, Terminal())
