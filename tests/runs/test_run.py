"""What a second run keeps, what a changed recipe adds, and what it costs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from reason_w2s.errors import ConfigError, StoreError
from reason_w2s.recipe.load import load_plan
from reason_w2s.runs.makers import samples
from reason_w2s.runs.run import Run, Selection, _alone, states
from reason_w2s.runs.store import parts
from tests.runs.small import FAKE, RECIPE, main, one_line, problem, project, run, snapshot, texts

EVALUATED = RECIPE + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"


def ledger(folder: Path) -> dict[str, dict]:
    found = json.loads((folder / "ledger.json").read_text())
    return {row["step"]: row for row in found["rows"]} | {"total": found["total"]}


def generated(done: Run) -> int:
    return ledger(done.folder)["total"]["tokens_generated"]


def owed(done: Run, *steps: str) -> int:
    return sum(row.trace.n_tokens for step in steps for row in done.rows(step))


def made(said: io.StringIO) -> list[str]:
    """The steps that a run reported as made."""
    return [line.split("]")[1].split()[0] for line in said.getvalue().splitlines()]


def again(recipe, *overrides, **keywords) -> tuple[Run, list[str]]:
    said = io.StringIO()
    return run(recipe, *overrides, said=said, **keywords), made(said)


# a second run


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


# growing


def test_more_samples_are_added_to_those_there(tmp_path):
    path = project(tmp_path)
    before = run(path)
    old, old_parts = texts(before, "drawn"), snapshot(tmp_path / "runs" / "store" / "sample")
    after, steps = again(path, "steps.drawn.sample.sampling.n=8")
    new = texts(after, "drawn")
    assert len(new) - len(old) == 4 * 12
    assert {key: new[key] for key in old} == old
    assert {row.trace.index for row in after.rows("drawn")} == set(range(8))
    now = snapshot(tmp_path / "runs" / "store" / "sample")
    assert {name: now[name] for name in old_parts} == old_parts
    assert steps == ["drawn", "graded", "clean", "chosen", "pairs"]
    # the annotation tables grew; the old verdicts were not made again
    store = after.store
    assert after.items["graded"].key == before.items["graded"].key
    sizes = [len(parts(store.folder("check", after.items[name].key))) for name in ("graded",)]
    assert sizes == [2]


def test_fewer_samples_make_nothing_and_show_fewer(tmp_path):
    path = project(tmp_path)
    old = texts(run(path), "drawn")
    less, steps = again(path, "steps.drawn.sample.sampling.n=2")
    assert len(texts(less, "drawn")) == 2 * 12
    assert texts(less, "drawn").items() <= old.items()
    assert "drawn" not in steps
    assert "graded" not in steps


def test_more_tokens_redo_only_what_was_cut(tmp_path, monkeypatch):
    path = project(tmp_path)
    old = {row.trace.key: row.trace for row in run(path).rows("drawn")}
    asked = []
    real = samples._drawn

    def watched(work, todo, *rest):
        asked.extend(todo)
        return real(work, todo, *rest)

    monkeypatch.setattr(samples, "_drawn", watched)
    new = {
        row.trace.key: row.trace
        for row in run(path, "steps.drawn.sample.sampling.max_tokens=128").rows("drawn")
    }
    cut = {key for key, trace in old.items() if trace.finish_reason == "length"}
    assert cut
    assert len(asked) == len(cut) < len(old)
    assert new.keys() == old.keys()
    for key, trace in new.items():
        assert (trace.max_tokens == 128) is (key in cut)
        assert key in cut or trace == old[key]
    # and back: what was drawn under the old limit is still there
    less, steps = again(path)
    assert {row.trace.key: row.trace for row in less.rows("drawn")} == old
    assert steps == []


def test_fewer_tokens_keep_what_ended_in_time(tmp_path):
    path = project(tmp_path)
    run(path)
    less = run(path, "steps.drawn.sample.sampling.max_tokens=8")
    traces = [row.trace for row in less.rows("drawn")]
    assert all(trace.n_tokens <= 8 for trace in traces)
    assert any(trace.max_tokens == 64 and trace.finish_reason == "stop" for trace in traces)
    assert any(trace.max_tokens == 8 and trace.finish_reason == "length" for trace in traces)


def test_a_stop_that_comes_exactly_at_the_limit_is_noticed(tmp_path):
    """The text is the same, how it ended is not: what was chosen by that must be chosen again."""
    recipe = RECIPE.replace("where: {graded.correct: true}", "where: {finish_reason: stop}")
    path = project(tmp_path, recipe)
    words = sorted({row.trace.n_tokens for row in run(path).rows("drawn")})
    for limit in words:
        cut = run(path, f"steps.drawn.sample.sampling.max_tokens={limit}")
        for row in cut.rows("chosen"):
            assert row.trace.finish_reason == "stop"
    whole = run(path)
    assert whole.items["chosen"].counts["out"] == len(list(whole.rows("chosen")))


def test_a_larger_take_adds_only_the_new_problems(tmp_path, monkeypatch):
    path = project(tmp_path)
    old = texts(run(path, "problems.train.take=5"), "drawn")
    asked = []
    real = samples._drawn
    monkeypatch.setattr(
        samples, "_drawn", lambda work, todo, *rest: (asked.extend(todo), real(work, todo, *rest))[1]
    )
    new = texts(run(path, "problems.train.take=9"), "drawn")
    assert len(old) == 5 * 4
    assert len(asked) == 4 * 4
    assert {problem.id for problem, _ in asked} == {"p5", "p6", "p7", "p8"}
    assert old.items() <= new.items()


def test_a_changed_gold_is_graded_again(tmp_path):
    path = project(tmp_path)
    before = {row.trace.key: row.columns["graded.correct"] for row in run(path).rows("graded")}
    rows = [problem(number) for number in range(12)]
    rows[0]["answer"] = "1000"
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    changed, steps = again(path)
    assert "drawn" not in steps
    assert "graded" in steps
    for row in changed.rows("graded"):
        found = row.columns["graded.correct"]
        assert found is (False if row.problem.id == "p0" else before[row.trace.key])


def test_a_changed_question_is_asked_again(tmp_path):
    path = project(tmp_path)
    old = texts(run(path), "drawn")
    rows = [problem(number) for number in range(12)]
    rows[3]["question"] += " Think."
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert len(texts(run(path), "drawn").keys() - old.keys()) == 4


def test_settings_of_an_upper_step_reach_choices_below_a_choice(tmp_path):
    """`chosen` reads columns of `clean` through `ended`, whose own content does not change."""
    ended = "  ended: {select: {of: clean, where: {finish_reason: stop}}}\n  chosen:"
    recipe = RECIPE.replace("  chosen:", ended)
    recipe = recipe.replace("{of: clean, where: {graded.correct: true}", "{of: ended, where: {clean.flags: none}")
    path = project(tmp_path, recipe)
    lax = run(path)
    strict = run(path, "steps.clean.stepcheck.min_words=0", "steps.clean.stepcheck.min_unique=1.0")
    assert texts(lax, "ended") == texts(strict, "ended")
    assert texts(lax, "chosen") != texts(strict, "chosen")
    for row in strict.rows("chosen"):
        assert row.columns["clean.flags"] == []


# sharing


def test_two_recipes_share_one_sampling(tmp_path):
    path = project(tmp_path)
    first = run(path)
    other = tmp_path / "other.yaml"
    other.write_text(RECIPE.replace("name: small", "name: other").replace("drawn", "sampled"))
    second, steps = again(other, name="two")
    assert "sampled" not in steps
    assert texts(first, "drawn") == texts(second, "sampled")
    one, two = ledger(first.folder), ledger(second.folder)
    assert one["drawn"]["tokens_generated"] == owed(first, "drawn") > 0
    assert not one["drawn"]["shared"]
    assert two["sampled"]["shared"]
    assert two["sampled"]["tokens_generated"] == 0
    assert two["sampled"]["tokens_shared"] == owed(second, "sampled")
    assert two["total"]["tokens_generated"] == 0


def test_the_ledger_counts_every_row_once(tmp_path):
    """Two steps of one run on one table: the second's own rows are not the first's."""
    recipe = RECIPE + (
        "  more: {sample: {model: weak, of: train, sampling: {n: 6, max_tokens: 64}}}\n"
    )
    done = run(project(tmp_path, recipe))
    found = ledger(done.folder)
    assert generated(done) == owed(done, "more")
    assert found["drawn"]["tokens_generated"] == owed(done, "drawn")
    assert found["more"]["tokens_shared"] == owed(done, "drawn")


def test_the_ledger_of_a_topped_up_run_still_adds_up(tmp_path):
    path = project(tmp_path)
    run(path)
    done = run(path, "steps.drawn.sample.sampling.n=7")
    assert generated(done) == owed(done, "drawn")
    other = run(path, "steps.drawn.sample.sampling.n=9", name="two")
    shared = ledger(other.folder)["drawn"]["tokens_shared"]
    assert shared == owed(done, "drawn")
    assert generated(other) == owed(other, "drawn") - shared > 0


def test_rows_that_another_run_drew_again_are_charged_to_it(tmp_path):
    path = project(tmp_path)
    run(path)
    longer = "steps.drawn.sample.sampling.max_tokens=128"
    two = run(path, longer, name="two")
    one = run(path, longer)
    assert generated(two) > 0
    assert generated(one) + generated(two) == owed(one, "drawn")


def test_one_name_is_not_one_table(tmp_path):
    """a without b and b without a are different sets."""
    cuts = "  a: {of: train, take: 8}\n  b: {of: train, salt: 1, take: 8}\n"
    cuts += "  left: {of: a, without: b}\n  right: {of: b, without: a}\n"
    recipe = RECIPE[: RECIPE.index("  graded")].replace("steps:", cuts + "steps:", 1)
    recipe = recipe.replace("of: train, sampling", "of: left, sampling")
    recipe += "  other: {sample: {model: weak, of: right}}\n"
    done = run(project(tmp_path, recipe))
    sets = {name: {one.id for one in done.problems(name)} for name in ("a", "b", "left", "right")}
    assert sets["left"] == sets["a"] - sets["b"]
    assert sets["right"] == sets["b"] - sets["a"]


def test_sets_that_overlap_are_asked_once(tmp_path):
    recipe = RECIPE.replace("steps:", "  few: {of: train, take: 3}\nsteps:", 1)
    done = run(project(tmp_path, recipe.replace("of: train, sampling", "of: [few, train], sampling")))
    assert len(list(done.rows("drawn"))) == 12 * 4
    assert len(texts(done, "drawn")) == 12 * 4


def test_a_fan_out_keeps_models_apart(tmp_path):
    two = RECIPE.replace("problems:\n", "  other: {path: nobody/other, prompt: qa}\nproblems:\n", 1)
    done = run(project(tmp_path, two.replace("model: weak,", "model: [weak, other],")))
    assert done.items["drawn"].counts["out"] == 2 * 12 * 4
    rows = list(done.rows("graded"))
    assert {row.trace.model for row in rows} == {"weak", "other"}
    assert len({row.trace.key for row in rows}) == 2 * 12 * 4
    assert len({row.problem.id for row in done.rows("chosen")}) == len(list(done.rows("chosen")))


@pytest.mark.parametrize(
    "override",
    [
        "models.weak.path=nobody/other",
        "models.weak.prompt=world",
        "models.weak.dtype=bfloat16",
        "steps.drawn.sample.sampling.temperature=0.5",
        "steps.drawn.sample.sampling.stop=[x]",
        "steps.drawn.sample.seed=5",
    ],
)
def test_what_decides_a_text_is_in_its_identity(override, tmp_path):
    path = project(tmp_path)
    assert not texts(run(path), "drawn").keys() & texts(run(path, override), "drawn").keys()


def test_a_fake_trace_is_never_taken_for_a_real_one(tmp_path):
    path = project(tmp_path)
    run(path)
    plan, _ = load_plan(path, seed=None)
    (tmp_path / "nobody").mkdir()
    real = FAKE.model_copy(update={"sampler": "vllm"})
    shell = tmp_path / "shell"
    shell.mkdir()
    (shell / "config.json").write_text("{}")
    (shell / "model.safetensors").write_bytes(b"")
    plan, _ = load_plan(path, overrides=[f"models.weak.path={shell}"], seed=None)
    run(path, f"models.weak.path={shell}")
    for profile, done in ((FAKE, True), (real, False)):
        found = states(plan, tmp_path / "runs" / "one", profile)
        assert (found["drawn"] is not None) is done


# selecting steps


def test_until_only_from_and_status(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    part = run(path, selection=Selection(until=("graded",)))
    assert set(part.items) == {"train", "weak", "drawn", "graded"}
    assert json.loads((part.folder / "manifest.json").read_text())["complete"] is False
    monkeypatch.chdir(tmp_path)
    status = ["status", path.name, "--profile", "fake.yaml", "--name", "one"]
    before = snapshot(tmp_path)
    code, out, _ = main(status, monkeypatch, capsys)
    assert code == 0
    assert "4 of 7 steps are done" in out
    assert [line.split()[0] for line in out.splitlines() if "to do" in line] == [
        "clean",
        "chosen",
        "pairs",
    ]
    assert snapshot(tmp_path) == before
    _, steps = again(path, selection=Selection(only=("clean",)))
    assert steps == ["clean"]
    with pytest.raises(ConfigError, match="'chosen' needs 'graded'"):
        run(path, "seed=9", selection=Selection(until=("drawn",)), name="nine")
        run(path, "seed=9", selection=Selection(start=("chosen",)), name="nine")
    whole, steps = again(path, selection=Selection(start=("chosen", "pairs")))
    assert steps == ["chosen", "pairs"]
    assert len(whole.items) == 7
    assert json.loads((whole.folder / "manifest.json").read_text())["complete"] is True


def test_until_on_a_finished_run_forgets_nothing(tmp_path):
    path = project(tmp_path)
    run(path)
    before = snapshot(tmp_path / "runs")
    run(path, selection=Selection(until=("drawn",)))
    assert snapshot(tmp_path / "runs") == before


def test_redo_makes_a_step_again_and_leaves_the_old(tmp_path):
    path = project(tmp_path)
    old = run(path)
    before = snapshot(tmp_path / "runs" / "store")
    new, steps = again(path, selection=Selection(redo=("graded",)))
    assert steps[0] == "graded"
    assert "drawn" not in steps
    assert new.items["graded"].key != old.items["graded"].key
    assert texts(new, "chosen") == texts(old, "chosen")
    now = snapshot(tmp_path / "runs" / "store")
    assert {name: now[name] for name in before} == before
    # it stays redone, and is not redone once more
    same, steps = again(path)
    assert same.items == new.items
    assert steps == []
    third, _ = again(path, selection=Selection(redo=("graded",)))
    assert third.items["graded"].key not in (old.items["graded"].key, new.items["graded"].key)
    # another run is not touched by it
    assert run(path, name="two").items["graded"].key == old.items["graded"].key


def test_a_redo_that_is_refused_counts_for_nothing(tmp_path):
    path = project(tmp_path)
    run(path)
    before = snapshot(tmp_path / "runs")
    with pytest.raises(ConfigError, match="no step 'gradd'"):
        run(path, selection=Selection(redo=("graded",), until=("gradd",)))
    assert snapshot(tmp_path / "runs") == before


# damage


def test_a_damaged_part_stops_with_its_name(tmp_path, monkeypatch, capsys):
    path = project(tmp_path)
    done = run(path)
    (part,) = parts(done.store.folder("sample", done.items["drawn"].key))
    data = part.read_bytes()
    part.write_bytes(data[:100] + b"?" + data[101:])
    monkeypatch.chdir(tmp_path)
    arguments = ["run", path.name, "--profile", "fake.yaml", "--name", "one"]
    code, _, err = main(arguments, monkeypatch, capsys)
    assert code == 4
    assert part.name in one_line(err)
    assert "drawn" in one_line(err)
    part.unlink()
    code, _, _ = main(arguments, monkeypatch, capsys)
    assert code == 0
    assert texts(Run.open(done.folder), "drawn") == texts(run(path), "drawn")


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
    with _alone(done.folder), pytest.raises(StoreError, match="another process"):
        run(path)
    run(path)


def test_no_run_here(tmp_path, monkeypatch, capsys):
    for arguments in (["show", str(tmp_path)], ["report", str(tmp_path)]):
        code, _, err = main(arguments, monkeypatch, capsys)
        assert code == 2
        assert "no run here" in one_line(err)


# reading


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
    with pytest.raises(ConfigError, match="'grade'.*did you mean 'graded'"):
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


# accounting


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
    pairs = [{(p.problem_id, p.chosen, p.rejected) for p in d.pairs("pairs")[0]} for d in (one, two)]
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
