"""Steps of a real run as files and folders that `datasets` loads."""

from __future__ import annotations

import json

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.export.command import export, said
from reason_w2s.export.source import Wish
from reason_w2s.stages.imports import ImportConfig, import_traces
from tests.runs.small import command, main, one_line

datasets = pytest.importorskip("datasets")
hub = pytest.importorskip("huggingface_hub")


def exported(made, folder, step, **wish):
    """The rows of an export to a folder, as `load_dataset` gives them, and the card."""
    opened, out, count = export(made, step, Wish(**wish), folder / "set")
    loaded = datasets.load_dataset(str(out), cache_dir=str(folder / "cache"))["train"]
    assert len(loaded) == count
    assert loaded.column_names == opened.schema.names
    return list(loaded), (out / "README.md").read_text(), opened


@pytest.mark.parametrize(
    ("step", "format", "columns", "count"),
    [
        ("chosen", "sft", ["prompt", "completion"], 4),
        ("pairs", "dpo", ["prompt", "chosen", "rejected"], 3),
        ("tuned", "sft", ["prompt", "completion"], 4),
        ("preferred", "dpo", ["prompt", "chosen", "rejected"], 3),
        ("learned", "sft", ["prompt", "completion"], 4),
        ("train", "records", None, 4),
    ],
)
def test_the_format_is_what_fits_the_step(made, tmp_path, step, format, columns, count):
    rows, card, opened = exported(made, tmp_path, step)
    assert opened.format == format
    assert len(rows) == count
    assert columns is None or list(rows[0]) == columns
    assert f"{count} rows" in card


def test_a_train_step_gives_what_was_learned_word_for_word(made, tmp_path):
    rows, card, opened = exported(made, tmp_path, "tuned")
    assert rows[1] == {
        "prompt": "Question: 1 + 1 Answer:",
        "completion": " so 1 + 1 = 2 .\nThe answer is 2 .",
    }
    assert opened.cut == 1
    assert "1 answers were cut by a token limit" in card
    assert "Reasoning can get lost" not in card
    rows, _, _ = exported(made, tmp_path / "solutions", "learned")
    assert rows[2] == {"prompt": "Question: 2 + 1 Answer:", "completion": " then 2 + 1 = 3 ."}


def test_messages_warn_of_templates(made, tmp_path):
    rows, card, _ = exported(made, tmp_path, "chosen")
    assert rows[0]["prompt"] == [{"role": "user", "content": "0 + 1"}]
    assert rows[0]["completion"][0]["role"] == "assistant"
    assert "Reasoning can get lost" in card


def test_labels_of_kto_come_from_a_column_or_from_sides(made, tmp_path):
    rows, card, opened = exported(made, tmp_path, "clean", format="kto", prompt="ask")
    assert opened.label == "graded.correct"
    assert [row["label"] for row in rows] == [True, False, True, False, True, False, True]
    assert rows[1] == {
        "prompt": "Question: 0 + 1 Answer:",
        "completion": " so 0 + 1 = 2 .\nThe answer is 2 .",
        "label": False,
    }
    assert "rests on 4 gold answers" in card
    rows, _, _ = exported(made, tmp_path / "pairs", "pairs", format="kto")
    assert sorted(row["label"] for row in rows) == [False] * 3 + [True] * 3


def test_steps_are_labelled_by_their_arithmetic_without_gold(made, tmp_path):
    rows, card, _ = exported(made, tmp_path, "clean", format="stepwise")
    assert rows[:2] == [
        {
            "prompt": "0 + 1",
            "completions": ["so 0 + 1 = 1 .", "The answer is 1 ."],
            "labels": [True, True],
        },
        {"prompt": "0 + 1", "completions": ["so 0 + 1 = 2 ."], "labels": [False]},
    ]
    assert "rests on 0 gold answers and 0 gold solutions" in card


@pytest.mark.parametrize("name", ["r.jsonl", "r.jsonl.gz", "r.parquet"])
def test_records_keep_every_column(made, tmp_path, name):
    _, out, count = export(made, "clean", Wish(format="records"), tmp_path / name)
    kind = "parquet" if name.endswith("parquet") else "json"
    cache = str(tmp_path / "cache")
    loaded = datasets.load_dataset(kind, data_files=str(out), cache_dir=cache)["train"]
    wanted = list(made.records("clean"))
    assert count == len(wanted) == 7
    for row, expected in zip(loaded, wanted, strict=True):
        for column, value in expected.items():
            assert row[column] == (list(value) if isinstance(value, tuple) else value), column


@pytest.mark.parametrize(
    ("wish", "columns"),
    [
        (
            {"format": "records"},
            {"id": "problem_id", "response": "text", "model": "model", "finish": "finish_reason"},
        ),
        ({"format": "sft"}, {"question": "prompt", "response": "completion"}),
    ],
)
def test_what_was_exported_can_be_imported(made, tmp_path, wish, columns):
    _, out, _ = export(made, "clean", Wish(**wish), tmp_path / "x.parquet")
    cfg = ImportConfig.model_validate({"file": str(out), "model": "m", "columns": columns})
    again = list(import_traces(made.problems("train"), cfg, step="again"))
    before = [row.trace for row in made.rows("clean")]
    assert [(one.problem_id, one.text) for one in again] == [
        (one.problem_id, one.text) for one in before
    ]
    if wish["format"] == "records":
        assert [(one.model, one.finish_reason) for one in again] == [
            (one.model, one.finish_reason) for one in before
        ]


def test_problems_and_pairs_as_records(made, tmp_path):
    rows, _, _ = exported(made, tmp_path, "train")
    assert (rows[0]["question"], rows[0]["gold"], json.loads(rows[0]["meta"])) == ("0 + 1", "1", {})
    rows, _, _ = exported(made, tmp_path / "pairs", "pairs", format="records")
    assert rows[0]["gold"] == "1"
    assert rows[0]["chosen"].endswith("is 1 .") and rows[0]["rejected"].endswith("is 2 .")


def test_the_card_tells_the_whole_origin(made, tmp_path):
    _, card, _ = exported(made, tmp_path, "chosen")
    head = hub.DatasetCard(card).data
    assert (head.license, head.task_categories) == ("unknown", ["text-generation"])
    assert head.tags == ["reason-w2s", "reasoning", "weak-to-strong", "sft"]
    assert "| told | import | 8 | 7 | it has no response 1 |" in card
    assert "| chosen | select | 7 | 4 | graded.correct is false 3 |" in card
    assert "written elsewhere, by named in each row, in one.jsonl, two.jsonl" in card
    assert "- `train`: 4 answers" in card
    assert "# Answers of two teachers" not in card  # the title stands once, as text
    assert "Answers of two teachers, one of them sloppy." in card
    assert "- trl 1." in card
    assert str(made.folder.parent.parent) not in card


def test_answers_that_failed_are_left_out(made, tmp_path, monkeypatch):
    from dataclasses import replace

    rows = [
        replace(row, trace=replace(row.trace, finish_reason="error"))
        if row.trace.index == 1
        else row
        for row in made.rows("clean")
    ]
    monkeypatch.setattr(made, "rows", lambda step: iter(rows))
    opened, out, count = export(made, "clean", Wish(), tmp_path / "x.jsonl")
    assert (count, dict(opened.left_out)) == (4, {"its generation failed": 3})
    assert "left out: 3: its generation failed" in list(said(opened, out, count))


@pytest.mark.parametrize(
    ("step", "wish", "complaint"),
    [
        ("student", {}, "only what a train step learned"),
        ("chosen", {"format": "dpo"}, "traces have no format 'dpo'; use sft or records"),
        ("chosen", {"form": "text"}, r"name a prompt \(--prompt .*qa"),
        ("chosen", {"prompt": "askk"}, "unknown prompt 'askk'"),
        ("clean", {"format": "stepwise", "form": "messages"}, "stepwise supervision is text"),
        (
            "clean",
            {"format": "kto", "label": "graded.answer"},
            r"graded\.answer: kto labels .*true or false; this does not.*use graded\.correct or",
        ),
        (
            "clean",
            {"format": "stepwise", "label": "graded.correct"},
            r"graded\.correct: stepwise needs the number of the first .*use clean\.first_error$",
        ),
        ("clean", {"format": "stepwise", "label": "x.y"}, r"x\.y: .* is no column here: use clean"),
        (
            "graded",
            {"format": "stepwise", "label": "graded.correct"},
            r"this does not hold such: no step made such a column",
        ),
        ("told", {"format": "kto"}, r"column \.correct \(no step made one\)"),
        ("tuned", {"format": "kto"}, "export 'chosen'"),
        ("tuned", {"prompt": "qa"}, "export 'chosen'"),
        ("audited", {"format": "kto"}, "of 'secret', which has labels: audit"),
        ("nothing", {}, "no step 'nothing'"),
    ],
)
def test_wishes_that_do_not_fit_are_refused(made, tmp_path, step, wish, complaint):
    with pytest.raises(ConfigError, match=complaint):
        export(made, step, Wish(**wish), tmp_path / "x.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["graded", "clean"])
def test_wrong_answers_are_counted_where_a_check_knows(made, tmp_path, step):
    _, card, opened = exported(made, tmp_path, step)
    lines = list(said(opened, tmp_path, 7))
    assert "3 of these 7 answers are wrong, says graded.correct" in lines
    assert "3 of the 7 answers are wrong, says the check column `graded.correct`" in card


@pytest.mark.parametrize("step", ["chosen", "tuned"])
def test_none_wrong_is_said_on_the_card_only(made, tmp_path, step):
    _, card, opened = exported(made, tmp_path, step)
    assert "0 of the 4 answers are wrong, says the check column `graded.correct`" in card
    assert not any("are wrong" in line for line in said(opened, tmp_path, 4))


def test_without_a_check_nothing_is_said_of_wrong_answers(made, tmp_path):
    _, card, _ = exported(made, tmp_path, "told")
    assert "wrong" not in card.split("## Where")[0]


def test_names_that_cannot_be_are_refused_before_anything_is_written(
    made, tmp_path, monkeypatch, capsys
):
    for more in (["--out", str(tmp_path / "rec.csv")], ["--push-to-hub", "x"]):
        arguments = ["export", str(made.folder), "told", *more]
        code, _, err = main(arguments, monkeypatch, capsys)
        assert code == 2
        assert more[1] in one_line(err)
    assert list(tmp_path.iterdir()) == []
    assert not (made.folder / "export" / "told-sft").exists()


def test_a_push_without_a_network_is_one_line_of_a_fresh_process(made, tmp_path):
    """huggingface_hub loads its modules when they are asked for: other tests did that already."""
    arguments = ["export", str(made.folder), "told", "--out", "set", "--push-to-hub"]
    for name, complaint in (("x", "expected OWNER/NAME, e.g. my-name/x"), ("me/x", "no network")):
        code, _, err = command([*arguments, name], tmp_path, HF_HUB_OFFLINE="1")
        assert code == 2
        assert complaint in one_line(err)
        assert (tmp_path / "set").exists() == (name == "me/x")


def test_the_command_writes_beside_the_run_and_pushes_it(made, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    code, out, _ = main(["export", str(made.folder), "chosen"], monkeypatch, capsys)
    assert code == 0
    place = made.folder / "export" / "chosen-sft"
    assert out == f"4 rows (sft: prompt, completion) in {place}\n" + (
        "1 answers were cut by a token limit; TRL would teach to stop there\n"
    )
    arguments = ["export", str(made.folder), "chosen", "--push-to-hub", "org/name"]
    code, _, err = main(arguments, monkeypatch, capsys)
    assert code == 2
    assert str(place) in one_line(err)
    assert (place / "data" / "train.parquet").is_file()
    code, _, err = main([*arguments, "--out", "x.jsonl"], monkeypatch, capsys)
    assert code == 2
    assert "needs a folder" in one_line(err)
