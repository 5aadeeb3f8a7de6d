"""Numbers that the rows deny are found: in results.json, on the page, and when a row changes."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from reason_w2s.errors import ConfigError, StoreError
from reason_w2s.report import command
from reason_w2s.report.verify import verified, verify
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import cost_of, parts, write_part
from tests.report.measured import measured
from tests.runs.small import main, one_line


def rewritten(done: Run, stage: str, step: str, column: str, value: object) -> None:
    """Another value in the first row of a step's table, under a name that fits its bytes."""
    (part,) = parts(done.store.folder(stage, done.item(step).key))
    rows = pq.read_table(part).to_pylist()
    rows[0][column] = value
    schema, cost = pq.read_schema(part).remove_metadata(), cost_of(part)
    part.unlink()
    write_part(part.parent, rows, schema, cost)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    measured(folder)
    return folder


@pytest.fixture
def done(kept: Path, tmp_path: Path) -> Run:
    shutil.copytree(kept, tmp_path / "copy")
    return Run.open(tmp_path / "copy/runs/one")


def test_what_was_written_is_what_the_rows_say(done):
    found = verified(done)
    assert found.differences == []
    page = (done.folder / "report.html").read_text()
    assert found.compared > page.count("data-value=") > 60


def test_a_number_in_the_results(done):
    path = done.folder / "results.json"
    results = json.loads(path.read_text())
    row = next(row for row in results["scores"] if row["model"] == "tuned")
    was, row["accuracy"] = row["accuracy"], 0.987
    path.write_text(json.dumps(results))
    (line,) = verify(done)
    said = "results.json: scores, tuned suite, accuracy: 0.987 stands there, the rows say"
    assert line == f"{said} {was}"


@pytest.mark.parametrize("what", ["seen", "unrounded"])
def test_a_number_on_the_page(done, what):
    path = done.folder / "report.html"
    text = path.read_text()
    cell = re.search(r'<td data-run="one"[^>]*data-field="accuracy" data-value="([\d.]+)"', text)
    assert cell is not None
    if what == "unrounded":
        changed = cell[0].replace(cell[1], "0.99")
        text = text.replace(cell[0], changed, 1)
    else:
        at = text.index('<span class="strong">', cell.end())
        text = text[:at] + text[at:].replace('"strong">', '"strong">9', 1)
    path.write_text(text)
    (line,) = verify(done)
    assert line.startswith("report.html: results, teacher on suite, accuracy: ")
    assert ("0.99" if what == "unrounded" else " 9") in line and "the rows say" in line


def test_a_row_that_is_gone_from_the_page(done):
    path = done.folder / "report.html"
    text = path.read_text()
    start = text.index('<td data-run="one"')
    path.write_text(text[:start] + "<td>" + text[text.index(">", start) + 1 :])
    (line,) = verify(done)
    assert "nothing stands there, the rows say" in line


def test_a_page_of_before_is_said_in_one_line(done):
    path = done.folder / "report.html"
    path.write_text(path.read_text().replace(" data-value=", " data-before="))
    (line,) = verify(done)
    assert line.startswith("report.html: has no number that says where it comes from")


def test_a_row_in_the_store(done):
    item = done.item("eval/tuned/suite/graded")
    (part,) = parts(done.store.folder("check", item.key))
    rows = pq.read_table(part).to_pylist()
    mine = {row.trace.key for row in done.rows(item.step) if row.columns[f"{item.step}.correct"]}
    changed = next(row for row in rows if row["key"] in mine)
    changed["correct"] = False
    schema, cost = pq.read_schema(part).remove_metadata(), cost_of(part)
    part.unlink()
    write_part(part.parent, rows, schema, cost)
    lines = verify(done)
    assert any("results.json: scores, tuned suite" in line and "accuracy" in line for line in lines)
    assert any("results.json: comparisons, " in line for line in lines)
    assert any(line.startswith("report.html: gaps, ") for line in lines)
    assert not any("teacher suite, accuracy" in line for line in lines)


def test_a_choice_in_the_store(done):
    item = done.item("chosen")
    (part,) = parts(done.store.folder("select", item.key))
    rows = pq.read_table(part).to_pylist()
    schema, cost = pq.read_schema(part).remove_metadata(), cost_of(part)
    part.unlink()
    write_part(part.parent, rows[1:], schema, cost)
    lines = verify(done)
    assert any(f"waterfall, chosen, out: {len(rows)} stands there" in line for line in lines)


@pytest.mark.parametrize(
    ("stage", "step", "column", "said"),
    [
        ("check", "graded", "status", "results.json: graded, graded, status."),
        ("stepcheck", "clean", "flags", "results.json: flagged, clean, flags."),
    ],
)
def test_a_count_of_a_step(done, stage, step, column, said):
    rewritten(done, stage, step, column, ["odd"] if column == "flags" else "odd")
    lines = verify(done)
    assert any(
        line.startswith(f"{said}odd: nothing stands there, the rows say 1") for line in lines
    )


def test_tables_that_do_not_fit_together(done, monkeypatch, capsys):
    rewritten(done, "sample", "eval/tuned/suite", "text", "another text")
    code, _, err = main(["report", str(done.folder), "--verify"], monkeypatch, capsys)
    assert code == 4 and "do not fit together" in one_line(err)


def test_a_damaged_store_stops(done):
    (part,) = parts(done.store.folder("check", done.item("eval/tuned/suite/graded").key))
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="damaged"):
        verify(done)


def test_versions_are_not_the_rows(done):
    path = done.folder / "results.json"
    results = json.loads(path.read_text())
    results["environment"]["python"] = "2.7"
    path.write_text(json.dumps(results))
    assert verify(done) == []


def test_no_results_are_said_to_be_missing(done):
    (done.folder / "results.json").unlink()
    assert verify(done) == ["results.json: is not there"]


def test_the_command_counts_what_is_equal_and_exits_4_where_it_is_not(done, monkeypatch, capsys):
    arguments = ["report", str(done.folder), "--verify"]
    code, out, _ = main(arguments, monkeypatch, capsys)
    assert code == 0
    said = re.fullmatch(r"one: ([\d,]+) numbers recomputed from the rows, all equal\n", out)
    assert said is not None and int(said[1].replace(",", "")) == verified(done).compared
    path = done.folder / "results.json"
    path.write_text(path.read_text().replace('"accuracy": ', '"accuracy": 1'))
    code, _, err = main(arguments, monkeypatch, capsys)
    assert code == 4
    line = one_line(err)
    assert "numbers are not what the rows say: results.json: scores, " in line
    assert "more; write them again with: reason-w2s report" in line
    assert main(arguments[:2], monkeypatch, capsys)[0] == 0
    assert main(arguments, monkeypatch, capsys)[0] == 0


def test_several_runs_need_a_name_for_their_page(done, kept, tmp_path, monkeypatch, capsys):
    other = kept / "runs/one"
    both = ["report", str(done.folder), str(other)]
    code, _, err = main(both, monkeypatch, capsys)
    assert code == 2 and "--out FILE.html" in one_line(err)
    with pytest.raises(ConfigError, match="expected different runs"):
        command.names([done, done])
    shutil.copytree(done.folder, done.folder.parent / "two")
    page = tmp_path / "pages/both.html"
    both = ["report", str(done.folder), str(done.folder.parent / "two"), "--out", str(page)]
    code, out, _ = main(both, monkeypatch, capsys)
    assert code == 0 and out.endswith(f"report: {page}\n") and out.count("%") >= 2
    text = page.read_text()
    assert "2 runs side by side" in text and 'data-run="two"' in text
    assert "traces.html" not in text and "traces.html" in (done.folder / "report.html").read_text()
    code, _, err = main([*both[:-1], str(tmp_path)], monkeypatch, capsys)
    assert code == 2 and "is a folder" in one_line(err)


def test_runs_of_one_name_are_told_apart_by_their_folder(tmp_path, done):
    other = Run(tmp_path / "elsewhere/one", done.store, {})
    assert list(command.names([done, other])) == ["runs/one", "elsewhere/one"]
