"""Grading files: what is read, written and said."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reason_w2s.answers import Verdict
from reason_w2s.answers.files import table
from reason_w2s.answers.files.output import Output
from reason_w2s.answers.files.table import Columns, Comparing, Drawn, Graded, counted, grade_file
from reason_w2s.answers.files.tally import Tally, aligned, lines, share
from reason_w2s.errors import ConfigError, DataError
from reason_w2s.problems.files import read
from tests.answers import shared_data

ROWS = [
    {"id": 1, "response": "so \\boxed{7}", "gold": "7"},
    {"id": 2, "response": "so \\boxed{8}", "gold": "7"},
    {"id": 3, "response": "", "gold": "7"},
    {"id": 4, "response": "and #### 1,000", "gold": 1000},
    {"id": 5, "response": "it is 7", "gold": ["8", "7"]},
    {"id": 6, "response": "#### 7", "gold": ""},
]
CORRECT = [True, False, False, True, True, None]


def write(path, rows):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as stream:
        stream.write(text)
    return path


def grade(file, out=None, columns=None, **comparing):
    how = Comparing(**{"workers": 1, **comparing})
    return list(grade_file(file, columns or Columns(), how, out, lambda done: None))


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
@pytest.mark.parametrize("out", ["out.jsonl", "deep/out.jsonl.gz"])
def test_each_row_is_written_with_its_verdict(tmp_path, name, out):
    file, place = write(tmp_path / name, ROWS), tmp_path / out
    assert [one.verdict.correct for one in grade(file, place)] == CORRECT
    written = list(read(place))
    assert [row["verdict"]["correct"] for row in written] == CORRECT
    assert [{**row, "verdict": None} for row in written] == [
        {**row, "verdict": None} for row in ROWS
    ]
    assert written[0]["verdict"] == {
        "status": "correct",
        "correct": True,
        "answer": "7",
        "rule": "boxed",
        "reason": written[0]["verdict"]["reason"],
    }
    assert [path.name for path in place.parent.iterdir() if "part" in path.name] == []


def test_parquet_in_and_out(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "BATCH_ROWS", 2)
    rows = [{**row, "gold": "7", "note": None if row["id"] < 3 else "n"} for row in ROWS[2:] + ROWS]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    graded = grade(tmp_path / "in.parquet", tmp_path / "out.parquet")
    assert [one.line for one in graded] == list(range(1, 11))
    back = pq.read_table(tmp_path / "out.parquet")
    assert [row["verdict"]["correct"] for row in back.to_pylist()] == [
        one.verdict.correct for one in graded
    ]
    assert back.schema.field("verdict").type.field("correct").type == pa.bool_()


def test_rows_that_parquet_cannot_hold_are_said(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "BATCH_ROWS", 1)
    place = tmp_path / "out.parquet"
    for second in (
        {"response": "7", "gold": "7", "more": 1},
        {"response": "7", "gold": 7},
    ):
        file = write(tmp_path / "in.jsonl", [{"response": "7", "gold": "7"}, second])
        with pytest.raises(DataError, match=r"does not fit Parquet's columns .* write .jsonl"):
            grade(file, place)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl"]
    grade(file, tmp_path / "out.jsonl")
    assert list(read(tmp_path / "out.jsonl"))[1]["gold"] == 7


def test_half_a_character_is_written_as_the_sign_for_it(tmp_path):
    file = write(tmp_path / "in.jsonl", [{"response": "\ud800", "gold": "7"}])
    for name in ("out.parquet", "out.jsonl"):
        grade(file, tmp_path / name)
        assert next(iter(read(tmp_path / name)))["response"] == "\ufffd"


def test_batches_are_one_file_to_who_reads(tmp_path, monkeypatch):
    file, seen = write(tmp_path / "in.jsonl", ROWS), []
    for rows, chars in ((2, 1 << 20), (100, 10), (4, 1 << 20)):
        monkeypatch.setattr(table, "BATCH_ROWS", rows)
        monkeypatch.setattr(table, "BATCH_CHARS", chars)
        done = []
        graded = list(grade_file(file, Columns(), Comparing(workers=1), None, done.append))
        assert done == sorted(done)
        assert done[-1] == len(ROWS)
        seen.append([(one.line, one.verdict) for one in graded])
    assert seen[0] == seen[1] == seen[2]


def test_mistakes_name_the_line(tmp_path):
    good = json.dumps(ROWS[0])
    file = tmp_path / "in.jsonl"
    for text, said in (
        (f"{good}\n\n{{}}\n", r"in.jsonl:3: no column 'response' .* with --response"),
        (f'{good}\n{{"response": 1}}\n', r"in.jsonl:2: no column 'gold' .* with --gold"),
        (f"{good}\n{{\n", r"in.jsonl:2: not JSON"),
        (f"{good}\n[1]\n", r"in.jsonl:2: expected a JSON object, got list"),
        ("\n", r"in.jsonl: no rows"),
    ):
        file.write_text(text)
        with pytest.raises(DataError, match=said):
            grade(file, tmp_path / "out.jsonl")
        assert not (tmp_path / "out.jsonl").exists()
    with pytest.raises(ConfigError, match=r"--out out.csv: expected a file that ends in .jsonl,"):
        Output(tmp_path.relative_to(tmp_path) / "out.csv")


def test_an_interrupted_file_leaves_the_earlier_one(tmp_path):
    file, place = write(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    place.write_text("earlier")
    rows = grade_file(file, Columns(), Comparing(workers=1), place, lambda done: None)
    next(rows)
    rows.close()
    assert place.read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_options_are_lists_of_texts(tmp_path):
    row = {"response": "The answer is (B).", "gold": "12", "choices": ["11", "12"]}
    file = write(tmp_path / "in.jsonl", [row, {**row, "choices": None}])
    graded = grade(file, columns=Columns(options="choices"), kind="auto")
    assert graded[0].verdict.correct is True
    assert graded[1].verdict.correct is not True
    write(file, [row, {**row, "choices": "11"}])
    with pytest.raises(DataError, match=r"in.jsonl:2: column 'choices': expected a list of texts"):
        grade(file, columns=Columns(options="choices"))


def test_a_tolerance_and_a_kind_reach_the_checker(tmp_path):
    file = write(tmp_path / "in.jsonl", [{"response": "#### 100.4", "gold": "100"}])
    assert grade(file)[0].verdict.correct is False
    assert grade(file, rel_tol=0.01)[0].verdict.correct is True
    assert grade(file, kind="lm_eval_gsm8k_strict")[0].verdict.rule == "lm_eval_gsm8k_strict"


def test_rows_are_drawn_evenly():
    counts = dict.fromkeys(range(20), 0)
    for _ in range(400):
        drawn = Drawn(5)
        drawn.random.seed(_)
        for line in range(20):
            drawn.add(Graded(line, "", "", Verdict("correct", True)))
        assert len({row.line for row in drawn.rows}) == 5
        for row in drawn.rows:
            counts[row.line] += 1
    assert all(60 < count < 140 for count in counts.values())
    everything = Drawn(0)
    for line in range(20):
        everything.add(Graded(line, "", "", Verdict("correct", True)))
    assert len(everything.rows) == 20


def test_a_tally_by_status_and_rule():
    tally = Tally()
    for verdict in (
        *[Verdict("correct", True, "7", "boxed")] * 3,
        Verdict("wrong", False, "8", "last_number"),
        Verdict("timeout", None, "9", "boxed"),
        Verdict("no_answer", False),
    ):
        tally.add(verdict)
    assert lines(tally) == [
        "status     rows  share",
        "correct       3  50.0%",
        "wrong         1  16.7%",
        "no_answer     1  16.7%",
        "timeout       1  16.7%  undecided",
        "in all        6",
        "",
        "rule          rows  share  correct  wrong  undecided",
        "boxed            4  66.7%        3      0          1",
        "last_number*     1  16.7%        0      1          0",
        "(none)           1  16.7%        0      1          0",
        "* a guess: these responses mark no answer",
    ]


def test_shares_never_round_to_nothing_or_all():
    shown = [share(*one) for one in ((0, 9), (1, 9999), (9998, 9999), (9, 9), (1, 3), (0, 0))]
    assert shown == ["0.0%", "<0.1%", ">99.9%", "100.0%", "33.3%", "-"]
    assert aligned([("a", "b"), ("ccc", "10")]) == ["a     b", "ccc  10"]


def test_real_traces_are_counted_whole():
    rows = shared_data.rows("traces/mr_gsm8k_annotated_subset.jsonl.gz")
    file = shared_data.SHARED / "data/traces/mr_gsm8k_annotated_subset.jsonl.gz"
    tally = counted(grade_file(file, Columns(), Comparing(), None, lambda done: None))
    assert tally.total == len(rows)
    assert sum(tally.rules.values()) == len(rows)
