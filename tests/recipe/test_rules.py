"""Whose gold labels a step rests on is derived, never typed."""

from __future__ import annotations

from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from tests.runs.small import RECIPE, TRAIN, project

ANSWERS = GoldUse("train", "answers")
SOLUTIONS = GoldUse("train", "solutions")


def used(folder, recipe, step):
    path = project(folder, recipe)
    return gold_use(load_plan(path, seed=None)[0], step)


def test_a_choice_by_correctness_uses_answers(tmp_path):
    assert used(tmp_path, RECIPE, "chosen") == {ANSWERS}
    assert used(tmp_path, RECIPE, "pairs") == {ANSWERS}


def test_grading_alone_uses_none(tmp_path):
    for step in ("drawn", "graded", "clean"):
        assert used(tmp_path, RECIPE, step) == set()


def test_a_choice_without_gold_columns_uses_none(tmp_path):
    for where in ("{clean.flags: none}", "{finish_reason: stop, n_tokens: {max: 9}}"):
        recipe = RECIPE.replace("{graded.correct: true}", where, 1)
        assert used(tmp_path, recipe, "chosen") == set()


def test_the_answer_column_is_the_models_own(tmp_path):
    recipe = RECIPE.replace("{graded.correct: true}", "{graded.answer: '7'}", 1)
    assert used(tmp_path, recipe, "chosen") == set()


def test_the_status_and_an_order_by_it_use_answers(tmp_path):
    recipe = RECIPE.replace("where: {graded.correct: true}", "by: [-graded.status]", 1)
    assert used(tmp_path, recipe, "chosen") == {ANSWERS}


def test_training_inherits_what_its_data_rest_on(tmp_path):
    assert used(tmp_path, RECIPE + TRAIN, "tuned") == {ANSWERS}


def test_gold_solutions(tmp_path):
    gold = TRAIN.replace("of: chosen", "of: train, target: solution")
    assert used(tmp_path, RECIPE + gold, "tuned") == {SOLUTIONS}


def test_traces_of_a_model_taught_on_gold_rest_on_it(tmp_path):
    taught = TRAIN.replace("of: chosen", "of: few, target: solution")
    recipe = RECIPE.replace("steps:", "  few: {of: train, take: 2}\nsteps:", 1) + taught
    recipe = recipe.replace("{model: weak,", "{model: tuned,")
    assert used(tmp_path, recipe, "drawn") == {GoldUse("few", "solutions")}
    assert used(tmp_path, recipe, "chosen") == {GoldUse("few", "solutions"), ANSWERS}


def test_only_the_problems_that_were_asked_count(tmp_path):
    """A part's answers are not the whole set's, though another step asks the whole set."""
    recipe = RECIPE.replace("steps:", "  few: {of: train, take: 2}\nsteps:", 1)
    recipe = recipe.replace("of: train, sampling", "of: few, sampling")
    recipe += "  all: {sample: {model: weak, of: train}}\n"
    assert used(tmp_path, recipe, "chosen") == {GoldUse("few", "answers")}


def test_a_step_name_with_dots_hides_nothing(tmp_path):
    recipe = RECIPE.replace("graded", "step.one.graded")
    assert used(tmp_path, recipe, "chosen") == {ANSWERS}


def test_a_union_counts_all_its_sets(tmp_path):
    recipe = RECIPE.replace("steps:", "  more: {of: train, take: 2}\nsteps:", 1)
    recipe = recipe.replace(
        "  graded: {check: {of: drawn",
        "  second: {sample: {model: weak, of: more}}\n  graded: {check: {of: [drawn, second]",
    )
    assert used(tmp_path, recipe, "chosen") == {ANSWERS, GoldUse("more", "answers")}
