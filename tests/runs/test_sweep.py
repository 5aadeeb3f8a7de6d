"""A sweep is run cell by cell over one store, and ends in one page."""

from __future__ import annotations

import json

from reason_w2s.runs.run import Run
from tests.runs.small import RECIPE, main, one_line, project

SWEPT = (
    RECIPE.replace("models:", "sweep: {seed: [0, 1], cell: [{n: 2}, {n: 4}]}\nmodels:", 1)
    .replace("sampling: {n: 4,", 'seed: 5, sampling: {n: "${cell.n}",')
    .replace("take: 1}}", 'take: 1, seed: "${seed}"}}')
    + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"
)


def command(path, *more):
    folder = path.parent
    return [*more, str(path), "--runs", str(folder / "runs"), "--engine", "fake"]


def test_each_combination_is_a_run_and_a_pinned_step_is_shared(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, SWEPT)
    code, said, _ = main(command(path, "run"), monkeypatch, capsys)
    assert code == 0
    runs = {
        label: Run.open(tmp_path / "runs" / f"small-{label}")
        for label in ("seed0-n2", "seed0-n4", "seed1-n2", "seed1-n4")
    }
    keys = {run.items["drawn"].key for run in runs.values()}
    assert len(keys) == 1
    assert [run.items["drawn"].counts["out"] for run in runs.values()] == [24, 48, 24, 48]
    chosen = {label: run.items["chosen"].digest for label, run in runs.items()}
    assert chosen["seed0-n4"] != chosen["seed1-n4"]
    page = (tmp_path / "runs" / "small.html").read_text()
    assert all(f'href="small-{label}/report.html"' in page for label in runs)
    assert f"sweep: {tmp_path / 'runs' / 'small.html'}" in said
    assert "small: n 4, 2 runs" in said
    kept = json.loads((tmp_path / "runs" / "small.json").read_text())
    assert [group["settings"] for group in kept["groups"]] == [
        {"cell": {"n": 2}},
        {"cell": {"n": 4}},
    ]
    assert kept["missing"] == []


def test_report_of_its_runs_makes_the_same_page_again(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, SWEPT)
    main(command(path, "run"), monkeypatch, capsys)
    pages = [tmp_path / "runs" / name for name in ("small.html", "small.json")]
    before = [page.read_bytes() for page in pages]
    runs = [str(one) for one in sorted((tmp_path / "runs").glob("small-*"))]
    for page in pages:
        page.unlink()
    code, _, _ = main(["report", *runs, "--out", str(pages[0])], monkeypatch, capsys)
    assert code == 0
    assert [page.read_bytes() for page in pages] == before


def test_a_cell_that_fails_is_named_and_the_others_are_done(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, SWEPT)
    broken = path.read_text().replace("file: data.jsonl", 'file: "${cell.set}.jsonl"', 1)
    cells = "cell: [{n: 2, set: data}, {n: 4, set: late}]"
    path.write_text(broken.replace("cell: [{n: 2}, {n: 4}]", cells))
    code, _, error = main(command(path, "run"), monkeypatch, capsys)
    assert code == 2
    last = one_line("\n".join(error.splitlines()[-1:]))
    assert "2 of 4 cells failed (seed0-n4-setlate, seed1-n4-setlate)" in last
    assert error.count("failed: problems.train: ") == 2
    page = (tmp_path / "runs" / "small.html").read_text()
    assert "Not in it, because they failed: seed0-n4-setlate" in page
    (tmp_path / "late.jsonl").write_text((tmp_path / "data.jsonl").read_text())
    before = {one: one.stat().st_mtime_ns for one in tmp_path.glob("runs/small-seed0-n2*/*.json")}
    code, _, _ = main(command(path, "run"), monkeypatch, capsys)
    assert code == 0
    assert {one: one.stat().st_mtime_ns for one in before} == before
    assert "Not in it" not in (tmp_path / "runs" / "small.html").read_text()


def test_status_says_each_and_a_second_run_makes_nothing(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, SWEPT)
    _, said, _ = main(command(path, "status"), monkeypatch, capsys)
    assert said.count("seed1-n4: 1 of") == 1
    main(command(path, "run"), monkeypatch, capsys)
    before = {one: one.stat().st_mtime_ns for one in tmp_path.rglob("*.parquet")}
    code, said, _ = main(command(path, "run"), monkeypatch, capsys)
    assert code == 0
    assert {one: one.stat().st_mtime_ns for one in tmp_path.rglob("*.parquet")} == before


def test_a_seed_beside_a_sweep_of_seeds_is_refused_in_one_line(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, SWEPT)
    code, _, error = main([*command(path, "run"), "--seed", "3"], monkeypatch, capsys)
    assert code == 2
    assert "its sweep says the seeds" in one_line(error)


def test_one_value_is_left_of_a_sweep_by_an_override(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, SWEPT)
    chosen = ["sweep.seed=[1]", "sweep.cell=[{n: 2}]"]
    code, _, _ = main([*command(path, "run"), *chosen], monkeypatch, capsys)
    assert code == 0
    assert [one.name for one in (tmp_path / "runs").glob("small*")] == ["small-seed1-n2"]
