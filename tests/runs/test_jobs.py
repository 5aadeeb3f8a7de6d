"""Several processes at work on one run: jobs of different steps, and parts of one sample step."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path

import pytest

from reason_w2s.errors import RunBusy
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.folder import occupied
from reason_w2s.runs.run import Run, Selection
from reason_w2s.runs.store import Store, cost_of
from reason_w2s.runs.work import Part, part_of
from tests.runs.small import RECIPE, main, one_line, project, run, start, texts
from tests.runs.test_stopping import count
from tests.runs.test_workers import drawn_parts, slowly, wait

MEASURED = (
    RECIPE + "  other: {sample: {model: weak, of: train, sampling: {n: 2, top_p: 0.5}}}\n"
    "  third: {sample: {model: weak, of: train, sampling: {n: 2, top_p: 0.6}}}\n"
    "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"
)
FAKE = ["--on", "fake.yaml"]


def job(*steps: str, part: str | None = None) -> list[str]:
    named = [word for step in steps for word in ("--only", step)]
    return ["run", "small.yaml", *FAKE, *named, "--job", *(["--part", part] if part else [])]


def selected(*steps: str, part: str | None = None) -> Selection:
    return Selection(only=steps, job=True, part=None if part is None else part_of(part))


def rest(path: Path, *without: str) -> list[str]:
    """The other steps that a run has."""
    return [name for name in load_plan(path, seed=None)[0].steps if name not in without]


def manifest(folder: Path) -> dict:
    return json.loads((folder / "runs" / "small" / "manifest.json").read_text())


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    return out, err


def test_jobs_at_work_at_once_keep_each_others_steps(tmp_path, monkeypatch, capsys):
    whole = run(project(tmp_path / "whole", MEASURED))
    path = project(tmp_path, MEASURED)
    slow = slowly(tmp_path, TEST_SLEEP="0.05", TEST_SAID=str(tmp_path / "drawing"))
    first = start(job("drawn"), tmp_path, **slow)
    wait((tmp_path / "drawing").exists)
    run(path, name="small", selection=selected("other"))
    assert first.poll() is None
    assert "other" in manifest(tmp_path)["steps"]
    ended(first)
    done = manifest(tmp_path)
    assert {"drawn", "other"} <= done["steps"].keys()
    assert done["complete"] is False
    monkeypatch.chdir(tmp_path)
    code, out, _ = main(job(*rest(path, "drawn", "other")), monkeypatch, capsys)
    assert code == 0
    assert "report: runs/small/report.html" in out
    found = Run.open(tmp_path / "runs" / "small")
    assert {name: item.digest for name, item in found.items.items()} == {
        name: item.digest for name, item in whole.items.items()
    }
    ledgers = [
        json.loads((folder / "ledger.json").read_text())["rows"]
        for folder in (whole.folder, found.folder)
    ]
    spent = [{row["step"]: row["tokens_generated"] for row in rows} for rows in ledgers]
    assert spent[0] == spent[1]


def test_a_killed_job_has_not_undone_what_others_did(tmp_path, monkeypatch):
    path = project(tmp_path, MEASURED)
    run(path, name="small", selection=selected("other"))
    # killed after its step, before its end
    monkeypatch.setattr("reason_w2s.runs.run._finish", lambda *_: None)
    run(path, name="small", selection=selected("drawn"))
    assert {"drawn", "other"} <= manifest(tmp_path)["steps"].keys()


def test_of_two_last_jobs_one_reports(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, MEASURED)
    run(path, name="small", selection=selected(*rest(path, "other", "third")))
    last = [start(job(step), tmp_path) for step in ("other", "third")]
    said = "".join(ended(process)[0] for process in last)
    assert said.count("report: runs/small/report.html") == 1
    results = tmp_path / "runs" / "small" / "results.json"
    before = results.stat().st_mtime_ns
    monkeypatch.chdir(tmp_path)
    out = main(job("drawn"), monkeypatch, capsys)[1]
    assert "all 12 steps are done, another job reported them" in out
    assert results.stat().st_mtime_ns == before
    # one that was killed while it reported: the next one does
    (results.parent / "traces.html").unlink()
    out = main(job("drawn"), monkeypatch, capsys)[1]
    assert "report: runs/small/report.html" in out


def test_a_run_and_a_job_do_not_meet(tmp_path):
    folder = tmp_path / "runs" / "small"
    path = project(tmp_path)
    with occupied(folder, job=True):
        run(path, name="small", selection=selected("train"))
        with pytest.raises(RunBusy, match="another process"):
            run(path, name="small")
    with occupied(folder, job=False), pytest.raises(RunBusy, match="another process"):
        run(path, name="small", selection=selected("train"))


def test_what_another_job_cannot_reach_is_not_asked_for(tmp_path):
    """The last job of this machine ends well though another's file is not there."""
    other = MEASURED.replace("steps:", "  far: {source: jsonl, file: far.jsonl}\nsteps:", 1)
    step = "other: {sample: {model: weak, of: "
    path = project(tmp_path, other.replace(f"{step}train", f"{step}far"))
    done = run(path, name="small", selection=selected("drawn"))
    assert "drawn" in done.items
    assert "far" not in done.items


@pytest.mark.parametrize("pieces", [["1/3", "2/3", "3/3"], ["2/2", "1/4", "3/4"], ["2/5", "1/1"]])
def test_parts_come_to_the_whole(pieces, tmp_path):
    whole = run(project(tmp_path / "whole"))
    path = project(tmp_path)
    for piece in pieces:
        done = run(path, name="small", selection=selected("drawn", part=piece))
        assert ("drawn" in done.items) is (piece == pieces[-1])
    assert done.items["drawn"].digest == whole.items["drawn"].digest
    assert texts(done, "drawn") == texts(whole, "drawn")
    assert sum(map(count, drawn_parts(tmp_path))) == 48, "none was drawn twice"


def test_a_part_is_every_nth_request():
    assert [place for place in range(12) if Part(2, 4).takes(place)] == [1, 5, 9]
    split = Part(2, 4).split(3)
    taken = [[place for place in range(24) if one.takes(place)] for one in split]
    assert taken == [[1, 13], [5, 17], [9, 21]]
    assert part_of("3/8") == Part(3, 8)


def test_parts_run_at_once_on_one_table(tmp_path):
    whole = run(project(tmp_path / "whole"))
    path = project(tmp_path)
    slow = slowly(tmp_path, TEST_SLEEP="0.2", TEST_SAID=str(tmp_path / "drawing"))
    first = start(job("drawn", part="1/2"), tmp_path, **slow)
    wait((tmp_path / "drawing").exists)
    second = run(path, name="small", selection=selected("drawn", part="2/2"))
    assert first.poll() is None
    assert "drawn" not in second.items
    out, err = ended(first)
    assert "drawn 1/2" in err
    assert "steps are done" in out
    done = Run.open(tmp_path / "runs" / "small")
    assert done.items["drawn"].digest == whole.items["drawn"].digest
    assert sum(map(count, drawn_parts(tmp_path))) == 48


def test_who_divides_otherwise_waits(tmp_path):
    store = Store(tmp_path)

    def free(division: str) -> bool:
        """Whether another process could take a part of this division now."""
        pid = os.fork()
        if pid == 0:
            with (tmp_path / "sample" / "key" / ".lock").open("a+") as stream:
                kind = (
                    fcntl.LOCK_SH if stream.seek(0) or stream.read() == division else fcntl.LOCK_EX
                )
                try:
                    fcntl.flock(stream, kind | fcntl.LOCK_NB)
                except BlockingIOError:
                    os._exit(1)
            os._exit(0)
        return os.waitpid(pid, 0)[1] == 0

    with store.sharing("sample", "key", "halves", "1"):
        assert free("halves")
        assert not free("thirds")
    with store.sharing("sample", "key", "thirds", "1"):
        assert free("thirds")
        assert not free("halves")
    with store.locked("sample", "key"):
        assert not free("thirds")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--part", "9/8", "--only", "drawn", "--job"], "--part 9/8: expected K/N"),
        (["--part", "0/8", "--only", "drawn", "--job"], "--part 0/8: expected K/N"),
        (["--part", "x", "--only", "drawn", "--job"], "--part x: expected K/N"),
        (["--part", "1/2", "--only", "drawn"], "add --job and one --only STEP"),
        (["--part", "1/2", "--job"], "add --job and one --only STEP"),
        (["--part", "1/2", "--only", "graded", "--job"], "'graded' is a check step"),
        (["--job", "--redo", "drawn"], "redo without --job"),
        (["--job", "--smoke"], "leave out --job"),
        (["--job", "--only", "graded"], "'graded' needs 'drawn', which is not made yet"),
    ],
)
def test_what_jobs_cannot_do_is_one_line(arguments, said, tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, _, err = main(["run", path.name, *FAKE, *arguments], monkeypatch, capsys)
    assert code == 2
    assert said in one_line(err)


def test_two_runs_of_one_store_wait_for_each_other(tmp_path):
    """Different names, the same step: the second waits, and draws nothing again."""
    path = project(tmp_path)
    slow = slowly(tmp_path, TEST_SLEEP="0.05", TEST_SAID=str(tmp_path / "drawing"))
    first = start(["run", "small.yaml", *FAKE, "--name", "first"], tmp_path, **slow)
    wait((tmp_path / "drawing").exists)
    second = run(path, name="second").items["drawn"]
    ended(first)
    assert Run.open(tmp_path / "runs" / "first").items["drawn"].digest == second.digest
    assert sum(map(count, drawn_parts(tmp_path))) == 48
    assert {cost_of(part).run for part in drawn_parts(tmp_path)} == {"first"}
