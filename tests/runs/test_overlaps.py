"""A run that would train on a suite's problems stops before it does, and says which."""

from __future__ import annotations

import json

import pytest

from reason_w2s.errors import DataError
from reason_w2s.recipe.load import load_plan
from reason_w2s.report.records import records
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Run, Selection, states
from tests.conftest import make_model
from tests.runs.small import FAKE, RECIPE, TRAIN, main, problem, project, run

EVALUATED = (
    RECIPE + TRAIN + "evaluate: {suites: [suite.yaml], models: {tuned: tuned, weak: weak}}\n"
)
ALLOWED = EVALUATED.replace("models: {tuned", "overlap: allow, models: {tuned")


def files(folder, recipe=EVALUATED, *, first=12):
    """A project whose suite asks five problems from number `first` on, under names of its own."""
    path = project(folder, recipe)
    rows = [{**problem(first + n), "id": f"s{n}"} for n in range(5)]
    (folder / "suite.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "suite.yaml").write_text(
        "problems: {source: jsonl, file: suite.jsonl}\nsampling: {max_tokens: 64}\n"
    )
    return path


def plan(path, *overrides):
    return load_plan(path, overrides=overrides, seed=None)[0]


def test_training_waits_for_the_suites_and_its_key_does_not_know(tmp_path):
    found = plan(files(tmp_path))
    step = found.steps["overlap/suite"]
    assert (step.of, step.roles) == (("train",), {"suite": "suites/suite"})
    assert step.config["ngrams"] == [13, 8]
    assert found.steps["tuned"].after == ("overlap/suite",)
    order = list(found.steps)
    assert order.index("overlap/suite") < order.index("drawn") < order.index("tuned")


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n",
        EVALUATED.replace("models: {tuned: tuned, ", "models: {"),
    ],
)
def test_without_a_trained_model_measured_nothing_is_compared(recipe, tmp_path):
    assert not [name for name in plan(files(tmp_path, recipe)).steps if "overlap" in name]


def test_a_cut_of_a_set_is_compared_with_it_and_one_that_leaves_it_out_is_not(tmp_path):
    more = "  few: {of: train, take: 3}\n  rest: {of: train, without: few}\nsteps:"
    gold = "  first: {train: {objective: sft, init: weak, of: few, target: solution, updates: 1}}\n"
    recipe = EVALUATED.replace("steps:", more, 1).replace(
        "init: weak, of: chosen", "init: first, of: chosen"
    )
    both = recipe.replace("evaluate:", gold + "evaluate:")
    assert plan(files(tmp_path / "a", both)).steps["overlap/suite"].of == ("train",)
    apart = both.replace("of: train, sampling", "of: rest, sampling")
    assert plan(files(tmp_path / "b", apart)).steps["overlap/suite"].of == ("few", "rest")


def test_a_set_can_leave_out_what_a_suite_asks(tmp_path):
    """`without` another set goes by ids, without a suite by the suite's own measure."""
    left_out = "file: data.jsonl, without: suites/suite}"
    path = files(tmp_path, EVALUATED.replace("file: data.jsonl}", left_out, 1), first=10)
    done = run(path, selection=Selection(until=("overlap/suite",)))
    assert [one.id for one in done.problems("train")] == [f"p{n}" for n in range(10)]
    assert done.items["overlap/suite"].counts["overlapping"] == 0


def test_an_overlap_stops_the_run_and_can_be_shown(tmp_path):
    path = files(tmp_path, first=10)
    for _ in range(2):  # the second time it is found, not made
        with pytest.raises(DataError) as caught:
            run(path)
        said = str(caught.value)
        assert said.startswith("suites.suite.overlap: 2 of 12 training problems are asked by suite")
        assert "by question 2" in said and "p10 of train and s0: 'Tom has 10 apples" in said
        assert "overlap: allow" in said and "show RUN overlap/suite" in said
    done = Run.open(tmp_path / "runs" / "one")
    assert "drawn" not in done.items and "tuned" not in done.items
    shown = "\n".join(records(tmp_path / "runs" / "one", "overlap/suite", n=9, dropped=False))
    assert shown.count("\nquestion: Tom has 11 apples") == 1
    assert shown.count("suite_question: Tom has 11 apples") == 1
    assert states(plan(path), tmp_path / "runs" / "one", FAKE)["overlap/suite"] is not None


def test_no_selection_goes_round_it(tmp_path):
    path = files(tmp_path, first=10)
    run(path, selection=Selection(until=("chosen",)))
    for selection in (
        Selection(only=("tuned",)),
        Selection(start=("tuned",)),
        Selection(until=("tuned",)),
        Selection(only=("tuned",)),
    ):
        with pytest.raises(DataError, match="asked by suite"):
            run(path, selection=selection)


def test_the_command_ends_in_one_line(tmp_path, monkeypatch, capsys):
    path = files(tmp_path, first=10)
    monkeypatch.chdir(tmp_path)
    code, _, err = main(["run", str(path), "--profile", "fake.yaml"], monkeypatch, capsys)
    assert code == 2
    assert "error: suites.suite.overlap: 2 of 12" in err.splitlines()[-1]


@pytest.mark.torch
def test_allowed_it_is_counted_in_the_report(tmp_path):
    pytest.importorskip("trl")
    model = make_model(tmp_path / "model")
    path = files(tmp_path, ALLOWED, first=10)
    done = run(path, f"models.weak.path={model}")
    found = results(done)
    (row,) = found["overlaps"]
    assert (row["suite"], row["problems"], row["overlapping"]) == ("suite", 12, 2)
    assert row["kinds"] == {"question": 2}
    assert row["examples"][0]["suite_question"] == row["examples"][0]["question"]
    warned = [line for line in found["warnings"] if line.startswith("suite:")]
    assert warned[0].startswith("suite: 2 of 12 training problems overlap it")
    trained = {score["model"]: score["trained"] for score in found["scores"]}
    assert trained == {"tuned": True, "weak": False}
    assert "overlap/suite" not in {row["step"] for row in found["waterfall"]}
