"""Selections measured beside models: graded as the suite says, against first and oracle."""

from __future__ import annotations

import io
import json
from math import comb

import pyarrow.parquet as pq
import pytest

from reason_w2s.errors import ConfigError, DataError
from reason_w2s.evaluate.sweep import sweep
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.smoke import smoke
from reason_w2s.report import command, console
from reason_w2s.report.html import render
from reason_w2s.report.learned import lessons
from reason_w2s.runs.results import results
from reason_w2s.train.config import TrainProfile
from tests.runs.small import main, project, run

N = 4
RECIPE = f"""\
# Choose among samples, without their gold.
name: choosing
models:
  weak: {{path: nobody/weak, prompt: qa}}
problems:
  test: {{suite: suite}}
steps:
  drawn: {{sample: {{model: weak, of: test, sampling: {{n: {N}, max_tokens: 64}}}}}}
  graded: {{check: {{of: drawn, kind: number}}}}
  votes: {{vote: {{of: graded, kind: number}}}}
  by_vote: {{select: {{of: votes, by: [-votes.share], per: problem, take: 1}}}}
  by_length:
    select:
      {{of: votes, where: {{n_tokens: {{min: 8, max: 60}}}}, by: [n_tokens], per: problem, take: 1}}
  accepted: {{select: {{of: graded, where: {{n_tokens: {{max: 20}}}}}}}}
evaluate:
  suites: [suite.yaml]
  models: {{weak: weak}}
  resampling: {{short: accepted}}
  selections: {{majority: by_vote, shortest: by_length}}
  compare: [[majority, weak], [majority, first], [oracle, shortest]]
  gaps: {{gain: {{floor: weak, reached: majority}}}}
"""
WEAK_TRAINED = """\
  tuned: {train: {objective: sft, init: weak, of: by_vote, batch: 2, updates: 1}}
"""


def suited(folder, recipe=RECIPE):
    path = project(folder, recipe, n=30)
    (folder / "suite.yaml").write_text(
        "problems: {source: jsonl, file: data.jsonl}\n"
        "sampling: {max_tokens: 64}\ncheck: {kind: number}\n"
    )
    return path


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    return run(suited(tmp_path_factory.mktemp("chosen")))


@pytest.fixture(scope="module")
def found(chosen):
    return results(chosen)


def verdicts(run_, step="graded"):
    """Problem id -> [(key, right, tokens)] of everything drawn."""
    groups: dict[str, list] = {}
    for row in run_.rows(step):
        one = (row.trace.key, row.columns["graded.correct"] is True, row.trace.n_tokens)
        groups.setdefault(row.problem.id, []).append(one)
    return groups


def test_scores_of_selections_and_their_references_by_hand(chosen, found):
    groups = verdicts(chosen)
    rows = {row["model"]: row for row in found["scores"]}
    assert list(rows) == ["weak", "first", "oracle", "majority", "shortest"]
    assert rows["first"]["accuracy"] == pytest.approx(
        sum(group[0][1] for group in groups.values()) / 30
    )
    assert rows["oracle"]["accuracy"] == pytest.approx(
        sum(any(right for _, right, _ in group) for group in groups.values()) / 30
    )
    for name, step in (("majority", "by_vote"), ("shortest", "by_length")):
        right = sum(row.columns["graded.correct"] is True for row in chosen.rows(step))
        assert rows[name]["accuracy"] == pytest.approx(right / 30)
        assert (rows[name]["n"], rows[name]["samples"]) == (30, 30)
        assert rows[name]["low"] < rows[name]["accuracy"] < rows[name]["high"]
        assert rows[name]["labels"] == {"answers": 0, "solutions": 0, "sets": {}}


def test_a_problem_without_a_choice_is_wrong_and_said(chosen, found):
    short = {row.problem.id for row in chosen.rows("by_length")}
    missing = 30 - len(short)
    assert 0 < missing < 30
    _, shortest = found["selections"]
    assert (shortest["unchosen"], shortest["n"]) == (missing, 30)
    said = f"shortest on suite: by_length chose nothing for {missing} of 30 problems"
    assert any(said in warning for warning in found["warnings"])
    row = next(row for row in found["scores"] if row["model"] == "shortest")
    assert row["stop_rate"] + row["truncation_rate"] <= len(short) / 30
    table = pq.read_table(chosen.folder / "rows.parquet").to_pylist()
    lines = {one["problem_id"]: one for one in table if one["model"] == "shortest"}
    assert len(lines) == 30
    for name, line in lines.items():
        assert (line["key"] is None) == (name not in short)
        if name not in short:
            assert (line["correct"], line["reason"]) == (False, "nothing was chosen")


def test_gain_and_gap(found):
    for row in found["selections"]:
        accuracies = row["accuracies"]
        assert row["gain"]["value"] == pytest.approx(accuracies["selection"] - accuracies["first"])
        assert row["gap"]["value"] == pytest.approx(accuracies["oracle"] - accuracies["selection"])
        assert row["gap"]["value"] >= 0
        assert (row["drawn"], row["fewest"], row["most"]) == (30 * N, N, N)


def test_compare_and_gaps_take_selections(found):
    assert [(one["a"], one["b"]) for one in found["comparisons"]] == [
        ("majority", "weak"),
        ("majority", "first"),
        ("oracle", "shortest"),
    ]
    (gap,) = found["gaps"]
    assert (gap["start"], gap["reached"], gap["n"]) == ("weak", "majority", 30)
    again = {**found, "comparisons": [{**found["comparisons"][0], "outcome": "above"}]}
    again["comparisons"][0]["sentence"] = gap["sentence"]
    assert lessons(again)[0].sentences.count(gap["sentence"]) == 1


def test_the_curve_of_a_choice_by_what_one_trace_is(chosen, found):
    """Best-of-N by length: for N of all, the selection itself; for 1 of 4, by hand."""
    row = next(row for row in found["scores"] if row["model"] == "shortest")
    curve = {point["k"]: point for point in row["curves"]["best"]}
    assert list(curve) == [1, 2, 4]
    groups = verdicts(chosen)
    by_hand = [sum(right for _, right, n in group if 8 <= n <= 60) / N for group in groups.values()]
    assert curve[1]["value"] == pytest.approx(sum(by_hand) / 30)
    # ties in length are decided by lot: of all four the expected value, not this lot's
    ends = []
    for group in groups.values():
        fit = [(n, right) for _, right, n in group if 8 <= n <= 60]
        best = [right for n, right in fit if n == min(fit)[0]] if fit else [False]
        ends.append(sum(best) / len(best))
    assert curve[4]["value"] == pytest.approx(sum(ends) / 30)
    passes = {point["k"]: point["value"] for point in row["curves"]["pass"]}
    for k in (1, 2, 4):
        right = [sum(one[1] for one in group) for group in groups.values()]
        assert passes[k] == pytest.approx(sum(1 - comb(N - c, k) / comb(N, k) for c in right) / 30)
        assert curve[k]["value"] <= passes[k] + 1e-12


def test_no_curve_for_what_all_samples_decided_together(found):
    majority = next(row for row in found["selections"] if row["name"] == "majority")
    assert "'votes.share' is made of all traces of a problem together" in majority["why"]
    row = next(row for row in found["scores"] if row["model"] == "majority")
    assert row["curves"]["best"] == []
    assert [point["k"] for point in row["curves"]["majority"]] == [1, 2, 4]


def test_sampling_until_accepted_by_hand(chosen, found):
    """Over all orders: at one attempt an accepted right one of four; at four any accepted one."""
    (row,) = found["resampling"]
    groups = verdicts(chosen).values()
    kept = [[right for _, right, n in group if n <= 20] for group in groups]
    points = {point["k"]: point for point in row["points"]}
    assert list(points) == [1, 2, 4]
    assert points[1]["right"] == pytest.approx(sum(map(sum, kept)) / (30 * N))
    assert points[4]["right"] == pytest.approx(sum(sum(k) / len(k) for k in kept if k) / 30)
    assert points[4]["answered"] == pytest.approx(sum(bool(k) for k in kept) / 30)
    everything = [right for group in groups for _, right, _ in group]
    wrong = len(everything) - sum(everything)
    accepted = sum(map(len, kept))
    assert row["completeness"] == pytest.approx(sum(map(sum, kept)) / sum(everything))
    assert row["false_positives"] == pytest.approx((accepted - sum(map(sum, kept))) / wrong)
    assert [one["penalty"] for one in row["best"]] == [0, -1, -2, -4, -8]
    assert row["n"] == 30
    learned = [one for one in lessons(found)[0].sentences if "until short accepts" in one]
    assert len(learned) == 1


def test_report_console_and_verify(chosen, found, tmp_path):
    command.report([chosen], None, io.StringIO())
    (line,) = command.verify([chosen])
    assert "all equal" in line
    page = (chosen.folder / "report.html").read_text()
    assert "generation-verification gap" in page
    assert "best@k" in page
    assert "sampling until short accepts" in page
    assert "'votes.share'" not in page  # escaped
    assert "majority has no best@k curve" in page
    said = io.StringIO()
    console.show(found, said)
    assert {"majority", "shortest", "first", "oracle"} <= set(said.getvalue().split())
    # a number changed by hand is found
    changed = json.loads((chosen.folder / "results.json").read_text())
    changed["selections"][0]["gap"]["value"] += 0.1
    (chosen.folder / "results.json").write_text(json.dumps(changed))
    from reason_w2s.report.verify import verify

    assert any("selections, majority suite" in line for line in verify(chosen))
    results(chosen)


def test_compare_of_runs_takes_selections(chosen, found, monkeypatch, capsys):
    code, out, err = main(
        ["eval", "compare", f"{chosen.folder}:majority", f"{chosen.folder}:oracle"],
        monkeypatch,
        capsys,
    )
    assert (code, err) == (0, "")
    assert "majority" in out
    assert "n = 30" in out


def test_sweeps_take_selections(tmp_path):
    path = suited(tmp_path)
    runs = {}
    for seed in (0, 1):
        cell = {"values": {"seed": seed}, "roles": {"seed": "seed"}}
        one = run(path, f"seed={seed}", name=f"s{seed}")
        runs[f"s{seed}"] = {**results(one), "cell": cell}
    (group,) = sweep(runs)["groups"]
    names = [row["model"] for row in group["scores"]]
    assert names == ["weak", "first", "oracle", "majority", "shortest"]
    assert all(len(row["cells"]) == 2 for row in group["scores"])
    assert [one["a"] for one in group["comparisons"]] == ["majority", "majority", "oracle"]


MISTAKES = {
    "kept many": (("take: 1}}\n  by_length", "take: 2}}\n  by_length"), ["take: 2", "take: 1"]),
    "in all": (("per: problem, take: 1}}\n  by_length", "take: 1}}\n  by_length"), ["per: null"]),
    "no select": (("majority: by_vote", "majority: votes"), ["'votes' is a vote step", "select"]),
    "typo": (("majority: by_vote", "majority: by_vot"), ["'by_vot'", "'by_vote'?"]),
    "no suite": (("{suite: suite}", "{source: jsonl, file: data.jsonl}"), ["test", "suite: NAME"]),
    "gold": (("{suite: suite}", "{suite: suite, labels: gold}"), ["problems.test.labels", "audit"]),
    "unknown suite": (("{suite: suite}", "{suite: sute}"), ["problems.test.suite", "'sute'"]),
    "gold column in where": (
        (
            "by_vote: {select: {of: votes,",
            "by_vote: {select: {of: votes, where: {graded.correct: true},",
        ),
        ["reads gold answers of 'test'", "labels: audit"],
    ),
    "gold column in by": (("by: [-votes.share]", "by: [-graded.correct]"), ["reads gold answers"]),
    "votes within gold": (
        ("votes: {vote: {of: graded,", "votes: {vote: {of: graded, within: [graded.correct],"),
        ["reads gold answers"],
    ),
    "name of a reference": (("{majority: by_vote", "{first: by_vote"), ["'first'", "rename"]),
    "a model's name": (
        ("models: {weak: weak}", "models: {weak: weak, oracle: weak}"),
        ["'oracle'"],
    ),
    "ceiling": (("reached: majority}", "reached: majority, ceiling: oracle}"), ["no model"]),
    "other problems": (("{suite: suite}", "{suite: suite, take: 5}"), ["different problems"]),
    "verifier takes": (("{short: accepted}", "{short: by_vote}"), ["has a take", "remove take"]),
    "verifier mixes": (
        (
            "where: {n_tokens: {max: 20}}",
            "mix: {short: {share: 1.0, where: {n_tokens: {max: 20}}}}",
        ),
        ["has a mix", "remove mix"],
    ),
    "verifier by gold": (
        ("where: {n_tokens: {max: 20}}", "where: {graded.correct: true}"),
        ["reads gold answers of 'test'"],
    ),
    "name of both": (("{short: accepted}", "{majority: accepted}"), ["'majority' too", "rename"]),
    "compare": (("[majority, weak]", "[majorty, weak]"), ["no model or selection", "'majority'?"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_one_line(name, tmp_path):
    (before, after), said = MISTAKES[name]
    assert before in RECIPE
    path = suited(tmp_path, RECIPE.replace(before, after))
    with pytest.raises(ConfigError) as error:
        load_plan(path, seed=None)
    assert "\n" not in str(error.value)
    for part in said:
        assert part in str(error.value)


def test_part_of_a_suite_is_measured_by_itself(tmp_path):
    recipe = RECIPE.replace("{suite: suite}", "{suite: suite, take: 12}")
    start, end = recipe.index("  compare:"), len(recipe)
    done = run(suited(tmp_path, recipe[:start] + "  compare: [[oracle, majority]]\n"))
    rows = {row["model"]: row["n"] for row in results(done)["scores"]}
    assert rows == {"weak": 30, "first": 12, "oracle": 12, "majority": 12, "shortest": 12}
    assert end


def test_training_on_a_suites_traces_is_refused(tmp_path, tiny_model):
    recipe = RECIPE.replace("evaluate:\n", WEAK_TRAINED + "evaluate:\n")
    recipe = recipe.replace("models: {weak: weak}", "models: {weak: weak, tuned: tuned}")
    recipe = recipe.replace("nobody/weak", str(tiny_model))
    with pytest.raises(DataError, match="30 of 30 training problems are asked by suite too"):
        run(suited(tmp_path, recipe))


def test_a_suite_that_only_a_set_names_is_looked_at_for_overlap(tmp_path):
    """Trained on problems of a suite that no model is measured on: refused all the same."""
    recipe = RECIPE.replace("suites: [suite.yaml]", "suites: []")
    start = recipe.index("  compare:")
    recipe = recipe[:start].replace("  models: {weak: weak}\n", "")
    recipe = recipe.replace(
        "problems:\n",
        "suites:\n  mine: {problems: {source: jsonl, file: data.jsonl}}\nproblems:\n"
        "  train: {source: jsonl, file: data.jsonl}\n",
    ).replace("{suite: suite}", "{suite: mine}")
    recipe = recipe.replace(
        "steps:\n",
        "steps:\n  tuned: {train: {objective: sft, init: weak, of: train, target: solution,"
        " batch: 2, updates: 1}}\n",
    ).replace("sample: {model: weak", "sample: {model: tuned")
    path = suited(tmp_path, recipe)
    plan, _ = load_plan(path, seed=None)
    assert "overlap/mine" in plan.steps
    assert plan.steps["tuned"].after == ("overlap/mine",)


def test_other_sets_of_the_same_step_do_not_count(tmp_path):
    """A step may draw for a dev set too: the selection is measured on the suite's problems."""
    recipe = RECIPE.replace("of: test", "of: [test, dev]").replace(
        "  test: {suite: suite}\n",
        "  test: {suite: suite}\n  dev: {source: jsonl, file: more.jsonl}\n",
    )
    path = suited(tmp_path, recipe)
    rows = [json.loads(line) for line in (tmp_path / "data.jsonl").read_text().splitlines()]
    more = [json.dumps({**row, "id": f"more-{row['id']}"}) for row in rows[:7]]
    (tmp_path / "more.jsonl").write_text("\n".join(more))
    done = run(path)
    assert len({row.problem.id for row in done.rows("drawn")}) == 37
    assert {row["n"] for row in results(done)["scores"]} == {30}


def test_two_pools_have_their_own_references(tmp_path):
    recipe = RECIPE.replace(
        "  by_vote:",
        "  other: {sample: {model: weak, of: test, seed: 7, sampling: {n: 2}}}\n"
        "  others: {check: {of: other}}\n"
        "  by_other: {select: {of: others, by: [n_tokens], per: problem, take: 1}}\n  by_vote:",
    ).replace("shortest: by_length", "other: by_other")
    start = recipe.index("  compare:")
    names = [
        one.model for one in load_plan(suited(tmp_path, recipe[:start]), seed=None)[0].measured
    ]
    assert set(names) == {
        *("weak", "majority", "other", "first of drawn", "oracle of drawn"),
        *("first of other", "oracle of other"),
    }


def test_smoke_keeps_the_set_its_suites(tmp_path):
    plan, data = load_plan(suited(tmp_path), seed=None)
    small = smoke(plan, data, TrainProfile()).plan
    assert {one.model for one in small.measured} == {one.model for one in plan.measured}
    assert small.steps["test"].of == ("suites/suite",)


def test_what_the_page_says_of_nothing(found):
    """A page of results without selections has none of it."""
    bare = {**found, "selections": [], "resampling": [], "comparisons": [], "gaps": []}
    bare["scores"] = [row for row in found["scores"] if row["kind"] == "model"]
    page = render({"bare": bare})
    assert "generation-verification" not in page
    assert "best@k</span>" not in page
