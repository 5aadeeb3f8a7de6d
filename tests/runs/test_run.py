"""What a second run keeps, and what a run says of itself."""

from __future__ import annotations

import json

import pytest

from reason_w2s.errors import ConfigError, RunBusy
from reason_w2s.runs.folder import occupied
from reason_w2s.runs.makers import samples
from reason_w2s.runs.run import Run
from tests.runs.small import (
    RECIPE,
    again,
    main,
    one_line,
    project,
    run,
    snapshot,
    texts,
)

EVALUATED = RECIPE + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"


def test_a_second_run_changes_no_file(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, EVALUATED)
    monkeypatch.chdir(tmp_path)
    arguments = ["run", path.name, "--profile", "fake.yaml"]
    code, first, _ = main(arguments, monkeypatch, capsys)
    assert code == 0
    before = snapshot(tmp_path / "runs")
    assert "small/report.html" in before
    assert "small/results.json" in before
    monkeypatch.setattr(samples, "make", lambda work: pytest.fail("sampled again"))
    code, second, err = main(arguments, monkeypatch, capsys)
    assert code == 0
    assert snapshot(tmp_path / "runs") == before
    assert second == first
    assert err == ""


def test_the_same_recipe_in_another_folder_has_the_same_rows(tmp_path):
    one, two = (run(project(tmp_path / name)) for name in ("a", "b"))
    assert texts(one, "drawn") == texts(two, "drawn")
    assert {name: item.digest for name, item in one.items.items()} == {
        name: item.digest for name, item in two.items.items()
    }


def test_another_seed_has_other_rows(tmp_path):
    path = project(tmp_path)
    one, two = texts(run(path), "drawn"), texts(run(path, "seed=1"), "drawn")
    assert not one.keys() & two.keys()
    assert sorted(one.values()) != sorted(two.values())


def test_half_written_files_are_ignored(tmp_path):
    path = project(tmp_path)
    done = run(path)
    before = dict(done.items)
    for part in (tmp_path / "runs").rglob("part-*.parquet"):
        (part.parent / f".{part.name}.999").write_bytes(part.read_bytes()[:50])
    after, steps = again(path)
    assert steps == []
    assert after.items == before


def test_two_processes_on_one_run_are_refused(tmp_path):
    path = project(tmp_path)
    done = run(path)
    with occupied(done.folder, job=False), pytest.raises(RunBusy, match="another process") as busy:
        run(path)
    assert busy.value.exit_code == 3
    run(path)


def test_no_run_here(tmp_path, monkeypatch, capsys):
    for arguments in (["show", str(tmp_path)], ["report", str(tmp_path)]):
        code, _, err = main(arguments, monkeypatch, capsys)
        assert code == 2
        assert "no run here" in one_line(err)


def test_records(tmp_path):
    done = Run.open(run(project(tmp_path)).folder)
    assert next(done.records("train"))["gold"] == "3"
    graded = list(done.records("clean"))
    assert len(graded) == 48
    assert {"key", "text", "question", "gold", "graded.correct", "clean.flags"} <= graded[0].keys()
    pair = next(done.records("pairs"))
    assert pair["chosen"] != pair["rejected"]
    with pytest.raises(ConfigError, match="weak is a model"):
        list(done.records("weak"))
    with pytest.raises(ConfigError, match=r"'grade'.*did you mean 'graded'"):
        done.item("grade")


@pytest.mark.torch
def test_a_step_is_a_dataset(tmp_path):
    datasets = pytest.importorskip("datasets")
    done = Run.open(run(project(tmp_path)).folder)
    for step, size in (("train", 12), ("graded", 48), ("chosen", None), ("pairs", None)):
        found = done[step]
        assert isinstance(found, datasets.Dataset)
        assert len(found) == (size or len(list(done.records(step))))
    assert set(done["graded"]["graded.correct"]) == {True, False}


def test_show(tmp_path, monkeypatch, capsys):
    done = run(project(tmp_path))
    code, out, _ = main(["show", str(done.folder)], monkeypatch, capsys)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(done.items)
    code, out, _ = main(["show", str(done.folder), "clean", "-n", "2"], monkeypatch, capsys)
    assert code == 0
    assert out.count("---") == 2
    assert "clean.flags" in out
    code, out, _ = main(["show", str(done.folder), "chosen", "--dropped"], monkeypatch, capsys)
    assert code == 0
    assert "reason: " in out
    assert "question: " in out
    code, _, err = main(["show", str(done.folder), "clean", "--dropped"], monkeypatch, capsys)
    assert code == 2
    assert "drops nothing" in one_line(err)
    code, _, err = main(["show", str(done.folder), "wek"], monkeypatch, capsys)
    assert code == 2
    assert "'weak'?" in one_line(err)


def test_in_is_out_and_dropped(tmp_path):
    done = run(project(tmp_path))
    for name, item in done.items.items():
        counts = item.counts
        if "dropped" in counts:
            assert counts["in"] == counts["out"] + sum(counts["dropped"].values()), name
            assert sum(counts["dropped"].values()) == len(done.dropped(name))
    assert done.items["chosen"].counts["in"] == 48
    assert done.items["pairs"].counts["in"] == 12
    kept = texts(done, "chosen").keys()
    assert not kept & done.dropped("chosen").keys()
    assert kept | done.dropped("chosen").keys() == texts(done, "drawn").keys()


def test_the_order_of_problems_changes_no_row(tmp_path):
    one = run(project(tmp_path / "a"))
    path = project(tmp_path / "b")
    data = tmp_path / "b" / "data.jsonl"
    lines = data.read_text().strip().split("\n")
    data.write_text("\n".join(reversed(lines)))
    two = run(path)
    for step in ("drawn", "graded", "clean", "chosen"):
        rows = [
            {row.trace.key: (row.trace, row.columns) for row in done.rows(step)}
            for done in (one, two)
        ]
        assert rows[0] == rows[1], step
    pairs = [
        {(p.problem_id, p.chosen, p.rejected) for p in d.pairs("pairs")[0]} for d in (one, two)
    ]
    assert pairs[0] == pairs[1]


def test_the_manifest_says_what_is_done(tmp_path):
    done = run(project(tmp_path))
    manifest = json.loads((done.folder / "manifest.json").read_text())
    assert manifest["complete"] is True
    assert manifest["sampler"] == "fake"
    assert manifest["title"] == "Draw, grade, choose."
    for name, step in manifest["steps"].items():
        assert step["key"] == done.items[name].key
    assert Run.open(done.folder).items == done.items


def test_status_says_what_it_knows_where_something_is_out_of_reach(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, RECIPE + "  human: {import: {of: train, file: t.jsonl, model: h}}\n")
    row = {"id": "p0", "response": "#### 3"}
    (tmp_path / "t.jsonl").write_text(json.dumps(row) + "\n")
    monkeypatch.chdir(tmp_path)
    asked = ["status", path.name, "--on", "fake.yaml"]
    run(path, name="small")
    assert main(asked, monkeypatch, capsys)[0] == 0
    (tmp_path / "t.jsonl").unlink()
    code, out, err = main(asked, monkeypatch, capsys)
    lines = {line.split()[0]: line.split()[2] for line in out.splitlines()[:-1]}
    assert lines.pop("human") == "unknown"
    assert set(lines.values()) == {"done"}
    assert out.splitlines()[-1] == "7 of 8 steps are done"
    assert code == 2
    assert "t.jsonl" in one_line(err)
