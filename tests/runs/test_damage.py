"""Damaged files of a run or its store: named, set aside, made again; or only named, by readers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reason_w2s.errors import Damaged
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs import pool, worker
from reason_w2s.runs.makers import samples
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import parts, read_json
from tests.runs.small import RECIPE, TRAIN, main, one_line, project, run, snapshot, texts

EVALUATED = RECIPE + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"
ARGUMENTS = ["run", "small.yaml", "--profile", "fake.yaml"]
STEPS = ("train", "drawn", "graded", "clean", "chosen", "pairs")


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def flip(path: Path) -> None:
    """Change one bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(bytes(data))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def one_part(done: Run, step: str, name: str = "part") -> Path:
    item = done.item(step)
    return sorted(parts(done.store.folder(item.stage, item.key), name))[0]


def content(done: Run) -> dict[str, object]:
    """Every record and reason of a run."""
    rows = {step: sorted(map(str, done.records(step))) for step in STEPS}
    return {**rows, **{f"not {step}": done.dropped(step) for step in ("chosen", "pairs")}}


def whole_run(folder: Path, monkeypatch, capsys, recipe: str = RECIPE) -> Run:
    project(folder, recipe)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(samples, "PART", 7)
    assert main(ARGUMENTS, monkeypatch, capsys)[0] == 0
    return Run.open(folder / "runs" / "small")


@pytest.mark.parametrize(
    ("step", "name", "damage"),
    [
        *((step, "part", truncate) for step in STEPS),
        ("chosen", "dropped", flip),
        ("pairs", "dropped", flip),
        ("drawn", "part", flip),
        ("drawn", "part", empty),
    ],
)
def test_a_damaged_part_is_set_aside_and_made_again(
    step, name, damage, tmp_path, monkeypatch, capsys
):
    done = whole_run(tmp_path, monkeypatch, capsys)
    before, keys = content(done), {one: item.digest for one, item in done.items.items()}
    part = one_part(done, step, name)
    damage(part)
    bad = part.read_bytes()
    kept = {path for path in parts(part.parent, "*") if path != part}
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 0, err
    said = [line for line in err.splitlines() if "damaged" in line]
    assert len(said) == 1
    assert said[0].startswith("warning: ")
    assert step in said[0] and f"{part.parent.name}/{part.name}" in said[0]
    assert part.with_name(f"{part.name}.damaged-1").read_bytes() == bad
    assert kept < set(parts(part.parent, "*"))
    again = Run.open(done.folder)
    assert content(again) == before
    assert {one: item.digest for one, item in again.items.items()} == keys
    state = snapshot(tmp_path / "runs")
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 0
    assert "damaged" not in err
    assert snapshot(tmp_path / "runs") == state


def test_only_what_a_damaged_part_held_is_drawn_again(tmp_path, monkeypatch, capsys):
    done = whole_run(tmp_path, monkeypatch, capsys)
    whole = texts(done, "drawn")
    for part in sorted(parts(done.store.folder("sample", done.items["drawn"].key)))[:2]:
        flip(part)
    drawn = []
    completed = samples.sample

    def counted(*arguments, **keywords):
        for trace in completed(*arguments, **keywords):
            drawn.append(trace.key)
            yield trace

    monkeypatch.setattr(samples, "sample", counted)
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 0
    assert err.count("warning: ") == 2
    assert 0 < len(drawn) <= 2 * samples.PART
    assert texts(Run.open(done.folder), "drawn") == whole


def test_the_manifest_and_the_report_remember_it(tmp_path, monkeypatch, capsys):
    done = whole_run(tmp_path, monkeypatch, capsys, EVALUATED)
    part = one_part(done, "graded")
    flip(part)
    for _ in range(2):
        code, out, _ = main(ARGUMENTS, monkeypatch, capsys)
        assert code == 0
        assert out.count("was damaged") == 1
        (found,) = read_json(done.folder / "manifest.json")["damaged"]
        assert found["place"] == "steps.graded.check"
        assert found["file"].endswith(part.name)
        assert found["aside"] == f"{part.name}.damaged-1"
    assert part.name in (done.folder / "report.html").read_text()


@pytest.mark.parametrize(
    "arguments", [["show", "runs/small", "drawn"], ["export", "runs/small", "drawn"],
                  ["report", "runs/small"], ["status", "small.yaml", "--on", "fake.yaml"]],
)  # fmt: skip
def test_readers_name_it_and_touch_nothing(arguments, tmp_path, monkeypatch, capsys):
    done = whole_run(tmp_path, monkeypatch, capsys, EVALUATED)
    part = one_part(done, "drawn")
    flip(part)
    before = snapshot(tmp_path / "runs")
    code, _, err = main(arguments, monkeypatch, capsys)
    assert code == 4
    line = one_line(err)
    assert part.name in line
    assert "reason-w2s run" in line
    assert snapshot(tmp_path / "runs") == before


@pytest.mark.parametrize("step", STEPS)
def test_what_was_set_aside_and_not_made_again_is_missed_by_readers(
    step, tmp_path, monkeypatch, capsys
):
    done = whole_run(tmp_path, monkeypatch, capsys)
    part = one_part(done, step)
    part.rename(part.with_name(f"{part.name}.damaged-1"))
    code, _, err = main(["show", "runs/small", step, "-n", "100"], monkeypatch, capsys)
    assert code == 4
    assert "do not fit together" in one_line(err)
    assert f"'{step}'" in one_line(err)


def test_a_part_that_goes_while_a_table_is_read_is_no_part(tmp_path, monkeypatch, capsys):
    from reason_w2s.runs import store
    from reason_w2s.runs.tables import TRACES

    done = whole_run(tmp_path, monkeypatch, capsys)
    part = one_part(done, "drawn")
    read = store.read_part

    def slowly(path, columns=None):
        if path == part and part.exists():
            part.rename(part.with_name(f"{part.name}.damaged-1"))
        return read(path, columns)

    before, own = len(store.read_parts(part.parent, TRACES)), len(read(part))
    monkeypatch.setattr(store, "read_part", slowly)
    assert len(store.read_parts(part.parent, TRACES)) == before - own


def test_a_part_that_another_run_was_quicker_with_is_no_warning(tmp_path, monkeypatch, capsys):
    done = whole_run(tmp_path, monkeypatch, capsys)
    whole = texts(done, "drawn")
    flip(one_part(done, "drawn"))
    monkeypatch.setattr("reason_w2s.runs.mending.set_aside", lambda path: path.unlink())
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 0
    assert "warning" not in err
    assert texts(Run.open(done.folder), "drawn") == whole


def test_damage_that_a_worker_meets_is_mended_too(tmp_path, monkeypatch, capsys):
    """The traces of a finished step are damaged after they were found, before they are checked."""
    from reason_w2s.runs.makers import annotations

    whole = content(run(project(tmp_path / "whole")))
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    make, flipped = annotations.make, []

    def late(work):
        if not flipped:
            flipped.append(parts(work.store.folder("sample", work.of[0].key))[0])
            flip(flipped[0])
        make(work)

    monkeypatch.setattr(annotations, "make", late)
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 0, err
    assert err.count("warning: ") == 1
    assert content(Run.open(tmp_path / "runs" / "small")) == whole


def test_a_worker_tells_which_files_are_damaged(tmp_path):
    step = load_plan(project(tmp_path), seed=None)[0].steps["graded"]
    paths = [tmp_path / "a", tmp_path / "b"]
    event = json.loads(json.dumps(worker._failure(Damaged.of(paths, "cut"))))
    error = pool._failure(step, event, tmp_path / "log")
    assert isinstance(error, Damaged)
    assert error.paths == tuple(paths)
    assert error.place == "steps.graded.check"
    assert str(error).startswith(f"steps.graded.check: {tmp_path / 'a'}: damaged (cut)")


def test_a_step_that_was_not_asked_for_is_not_made_again(tmp_path, monkeypatch, capsys):
    done = whole_run(tmp_path, monkeypatch, capsys)
    flip(one_part(done, "drawn"))
    code, _, err = main([*ARGUMENTS, "--only", "graded"], monkeypatch, capsys)
    assert code == 2
    assert "needs 'drawn', which is not made yet" in one_line(err)
    assert err.count("warning: ") == 1


@pytest.mark.parametrize("damage", [truncate, empty])
def test_a_damaged_manifest_is_written_anew(damage, tmp_path, monkeypatch, capsys):
    done = whole_run(tmp_path, monkeypatch, capsys)
    manifest = done.folder / "manifest.json"
    before = read_json(manifest)
    damage(manifest)
    code, _, err = main(["show", "runs/small"], monkeypatch, capsys)
    assert code == 4
    assert "manifest.json: damaged" in one_line(err)
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 0
    assert err.count("warning: ") == 1
    after = read_json(manifest)
    assert [one["file"] for one in after.pop("damaged")] == ["small/manifest.json"]
    assert after == before


def test_a_damaged_ledger_is_written_anew(tmp_path, monkeypatch, capsys):
    done = whole_run(tmp_path, monkeypatch, capsys)
    before = read_json(done.folder / "ledger.json")
    truncate(done.folder / "ledger.json")
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 0
    assert "ledger.json is damaged" in err
    assert read_json(done.folder / "ledger.json") == before


def test_what_was_redone_is_never_guessed(tmp_path, monkeypatch, capsys):
    whole_run(tmp_path, monkeypatch, capsys)
    assert main([*ARGUMENTS, "--redo", "graded"], monkeypatch, capsys)[0] == 0
    redone = tmp_path / "runs" / "small" / "redo.json"
    truncate(redone)
    before = snapshot(tmp_path / "runs")
    code, _, err = main(ARGUMENTS, monkeypatch, capsys)
    assert code == 4
    assert "redo.json: damaged" in one_line(err) and "--redo" in one_line(err)
    assert snapshot(tmp_path / "runs") == before


def trained(folder: Path, monkeypatch, capsys, model: Path) -> Run:
    project(folder, RECIPE + TRAIN)
    (folder / "fake.yaml").write_text("{isolate: none, sampler: fake, train: {threads: 1}}\n")
    monkeypatch.chdir(folder)
    assert main([*ARGUMENTS, f"models.weak.path={model}"], monkeypatch, capsys)[0] == 0
    return Run.open(folder / "runs" / "small")


@pytest.mark.torch
def test_a_damaged_model_is_set_aside_and_trained_again(tmp_path, monkeypatch, capsys, tiny_model):
    """A cut file is seen by its size; a flipped bit before the model is loaded."""
    pytest.importorskip("trl")
    done = trained(tmp_path, monkeypatch, capsys, tiny_model)
    model = done.items["tuned"].folder()
    before = (model / "model.safetensors").read_bytes()
    truncate(model / "model.safetensors")
    code, _, err = main([*ARGUMENTS, f"models.weak.path={tiny_model}"], monkeypatch, capsys)
    assert code == 0, err
    assert "bytes" not in err
    (said,) = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert "train/" in said and "/model is damaged" in said
    assert (model / "model.safetensors").read_bytes() == before
    aside = model.with_name("model.damaged-1") / "model.safetensors"
    assert len(aside.read_bytes()) == len(before) // 2
    flip(model / "model.safetensors")
    more = (
        RECIPE
        + TRAIN
        + ("  asked: {sample: {model: tuned, of: train, sampling: {n: 1, max_tokens: 8}}}\n")
    )
    (tmp_path / "small.yaml").write_text(more)
    code, _, err = main([*ARGUMENTS, f"models.weak.path={tiny_model}"], monkeypatch, capsys)
    assert code == 0, err
    assert model.with_name("model.damaged-2").is_dir()
    assert (model / "model.safetensors").read_bytes() == before
    assert len(texts(Run.open(done.folder), "asked")) == 12


@pytest.mark.torch
@pytest.mark.slow
def test_a_model_of_an_earlier_version_is_not_taken_for_damaged(
    tmp_path, monkeypatch, capsys, tiny_model
):
    pytest.importorskip("trl")
    done = trained(tmp_path, monkeypatch, capsys, tiny_model)
    made = done.items["tuned"].folder().parent / "made.json"
    said = read_json(made)
    del said["files"]
    made.write_text(json.dumps(said))
    before = snapshot(made.parent)
    code, _, err = main([*ARGUMENTS, f"models.weak.path={tiny_model}"], monkeypatch, capsys)
    assert code == 0
    assert "warning" not in err
    assert snapshot(made.parent) == before
    shutil.rmtree(made.parent / "model")
    code, _, err = main([*ARGUMENTS, f"models.weak.path={tiny_model}"], monkeypatch, capsys)
    assert code == 0
    assert "made.json" in err
