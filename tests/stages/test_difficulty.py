"""Pass rates per problem, near-identical traces, budgets of tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import gold_use
from reason_w2s.runs.results import results
from reason_w2s.stages.difficulty import DifficultyConfig, difficulty
from reason_w2s.stages.distinct import Distinct, repeated, runs, similarity
from tests.runs.small import RECIPE, project, run
from tests.stages.test_select import chosen
from tests.stages.traces import group, groups

GRADED = DifficultyConfig(truth="g.correct")


def test_the_share_of_a_problems_traces_that_are_right():
    rows = group("p", 4, correct=[True, False, None, True]) + group("q", 1, correct=[False])
    found = list(difficulty(rows, GRADED))
    assert [one["key"] for one in found] == [row.trace.key for row in rows]
    assert [(one["pass_rate"], one["n"]) for one in found] == [(0.5, 4)] * 4 + [(0.0, 1)]


def test_only_some_traces_count_and_all_are_told():
    rows = group("p", 4, correct=[True, False, False, True], tokens=[1, 1, 9, 9])
    some = DifficultyConfig(truth="g.correct", among={"n_tokens": {"min": 5}, "index": 3})
    assert [one["pass_rate"] for one in difficulty(rows, some)] == [1.0] * 4
    none = DifficultyConfig(truth="g.correct", among={"n_tokens": 100})
    assert [(one["pass_rate"], one["n"]) for one in difficulty(rows, none)] == [(None, 0)] * 4


@given(groups())
def test_in_is_out(rows):
    assert [one["key"] for one in difficulty(rows, GRADED)] == [row.trace.key for row in rows]


def test_similarity_by_hand():
    # runs of two: {a b, b c, c d} and {a b, b c, c e}: two of four
    assert similarity(runs("a b c d", 2), runs("A b  c e", 2)) == pytest.approx(2 / 4)
    assert runs("a b", 5) == runs("A\nb", 5) == {("a", "b")}
    assert similarity(runs("", 5), runs("", 5)) == 1.0


def test_the_first_of_near_identical_ones_stays():
    texts = ["one two three four five six", "one two three four five seven", "else", "else"]
    rows = group("p", 4, texts=texts) + group("q", 1, texts=["else"])
    cfg = Distinct(jaccard=0.5, words=3)
    # three of five runs of three are shared by the first two
    assert list(repeated(rows, cfg)) == ["p-1", "p-3"]
    assert list(repeated(rows, cfg.model_copy(update={"jaccard": 0.61}))) == ["p-3"]
    kept, dropped = chosen(rows, by=["-index"], distinct=cfg)
    assert [row.trace.key for row in kept] == ["p-1", "p-3", "q-0"]
    assert set(dropped.values()) == {"near-identical to another of its problem (Jaccard 0.5)"}


def test_a_chain_of_likes_does_not_drop_what_is_unlike_all_that_stay():
    texts = ["a b c d e f", "b c d e f g", "c d e f g h"]
    rows = group("p", 3, texts=texts)
    # neighbours share 4 of 6 runs of two, the ends 3 of 7
    assert list(repeated(rows, Distinct(jaccard=0.6, words=2))) == ["p-1"]


def test_a_budget_is_spent_in_order_and_no_further():
    rows = group("p", 4, tokens=[5, 3, 9, 1])
    kept, dropped = chosen(rows, by=["index"], budget={"tokens": 9})
    # 5 and 3 are within it; 9 more is not, and what comes later is not looked at
    assert [row.trace.index for row in kept] == [0, 1]
    assert set(dropped.values()) == {"beyond a budget of 9 tokens in all"}
    assert len(chosen(rows, by=["index"], budget={"tokens": 8})[0]) == 2
    assert not chosen(rows, by=["index"], budget={"tokens": 4})[0]


def test_a_budget_per_problem_after_take_and_repetitions():
    rows = group("p", 3, tokens=[4, 4, 4], texts=["a", "a", "b"]) + group("q", 1, tokens=[6])
    kept, dropped = chosen(rows, by=["index"], per="problem", distinct={}, budget={"tokens": 5})
    assert [row.trace.key for row in kept] == ["p-0"]
    assert dropped["p-1"].startswith("near-identical")
    assert dropped["p-2"] == dropped["q-0"] == "beyond a budget of 5 tokens per problem"
    kept, dropped = chosen(rows, by=["index"], take=2, distinct={})
    assert [row.trace.key for row in kept] == ["p-0", "q-0"]
    assert dropped["p-2"] == "beyond take 2 in all"


BUDGETS = st.builds(
    dict,
    by=st.sampled_from([(), ("-n_tokens",)]),
    per=st.sampled_from(["problem", None]),
    take=st.sampled_from([None, 2]),
    distinct=st.sampled_from([None, {}]),
    budget=st.sampled_from([None, {"tokens": 1}, {"tokens": 12}]),
)


@given(groups(), BUDGETS)
def test_every_row_leaves_once(rows, settings):
    kept, dropped = chosen(rows, **settings)
    assert {row.trace.key for row in kept} | dropped.keys() == {row.trace.key for row in rows}
    if settings["budget"] and not settings["per"]:
        assert sum(row.trace.n_tokens for row in kept) <= settings["budget"]["tokens"]


HARD = RECIPE.replace(
    "  clean:", "  hard: {difficulty: {of: graded, truth: graded.correct}}\n  clean:"
).replace(
    "{of: graded}}\n  chosen: {select: {of: clean, where: {graded.correct: true}",
    "{of: hard}}\n  chosen: {select: {of: clean, where: {hard.pass_rate: {min: 0.2, max: 0.6}}",
)


def test_in_a_recipe_it_selects_by_the_column_and_counts_the_labels(tmp_path):
    path = project(tmp_path, HARD)
    plan, _ = load_plan(path, seed=None)
    assert {(use.problems, use.what) for use in gold_use(plan, "chosen")} == {("train", "answers")}
    done = run(path)
    rates: dict[str, list[bool]] = {}
    for row in done.rows("graded"):
        rates.setdefault(row.problem.id, []).append(row.columns["graded.correct"] is True)
    for row in done.rows("hard"):
        right = rates[row.problem.id]
        assert row.columns["hard.pass_rate"] == pytest.approx(sum(right) / len(right))
    wanted = {name for name, right in rates.items() if 0.2 <= sum(right) / len(right) <= 0.6}
    assert {row.problem.id for row in done.rows("chosen")} == wanted
    assert 0 < len(wanted) < len(rates)


def test_a_budget_that_is_not_spent_is_said(tmp_path):
    recipe = RECIPE[: RECIPE.index("  pairs:")] + (
        "  some: {select: {of: clean, where: {n_tokens: {max: 9}}, budget: {tokens: 100}}}\n"
        "  much: {select: {of: clean, budget: {tokens: 100000}}}\n"
    )
    found = results(run(project(tmp_path, recipe)))
    some, much = found["budgets"]
    assert (some["tokens"], much["tokens"]) == (100, 100_000)
    assert 90 < some["spent"] <= 100 < much["spent"]
    (warning,) = [one for one in found["warnings"] if "budget" in one]
    assert warning.startswith(f"much: spent {much['spent']:,} of its budget of 100,000 tokens")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("truth: graded.correct", "truth: graded.answer"), "no yes-or-no column"),
        (("truth: graded.correct", "truth: graded.corect"), "no column 'graded.corect'"),
        (("file: data.jsonl}", "file: data.jsonl, labels: audit}"), "reads gold answers"),
        ((", truth: graded.correct", ""), "truth"),
    ],
)
def test_mistakes(change, said, tmp_path):
    assert change[0] in HARD
    with pytest.raises(ConfigError, match=said):
        load_plan(project(tmp_path, HARD.replace(*change)), seed=None)


def test_without_gold_by_what_a_vote_says(tmp_path):
    recipe = HARD.replace("file: data.jsonl}", "file: data.jsonl, labels: audit}")
    recipe = recipe.replace(
        "  hard: {difficulty: {of: graded, truth: graded.correct}}",
        "  votes: {vote: {of: graded}}\n  hard: {difficulty: {of: votes, truth: votes.agrees}}",
    )
    recipe = recipe[: recipe.index("  pairs:")]
    plan, _ = load_plan(project(tmp_path, recipe), seed=None)
    assert gold_use(plan, "chosen") == set()
