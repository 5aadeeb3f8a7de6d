"""A model asked with examples that another step yielded."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.load import load_plan
from reason_w2s.recipe.rules import GoldUse, gold_use
from tests.runs.small import RECIPE, project, run

SHOTS = """\
  shots: {select: {of: graded, where: {graded.answer: {not: null}}, take: 2}}
  shown: {prompted: {model: weak, shots: shots}}
  again: {sample: {model: shown, of: train, sampling: {n: 1, max_tokens: 64}}}
"""
GOLD = """\
  shown: {prompted: {model: weak, prompt: qa, shots: few}}
  again: {sample: {model: shown, of: train, sampling: {n: 1, max_tokens: 64}}}
"""
FEW = "  few: {source: jsonl, file: data.jsonl, take: 2}\nsteps:"


def test_traces_are_shown_with_their_questions(tmp_path):
    done = run(project(tmp_path, RECIPE + SHOTS))
    prompt = done.items["shown"].reference().asked()
    given = [(row.problem.question, row.trace.text.strip()) for row in done.rows("shots")]
    assert len(given) == 2
    assert [(one.question, one.response) for one in prompt.shots] == given
    assert prompt.template == done.items["weak"].reference().asked().template
    assert done.items["again"].key != done.items["drawn"].key


def test_gold_solutions_are_shown_and_counted_as_gold(tmp_path):
    path = project(tmp_path, RECIPE.replace("steps:", FEW, 1) + GOLD)
    done = run(path)
    prompt = done.items["shown"].reference().asked()
    assert [one.response for one in prompt.shots] == ["0 + 3 = 3", "1 + 4 = 5"]
    plan, _ = load_plan(path, seed=None)
    assert gold_use(plan, "again") == {GoldUse("few", "solutions")}


MISTAKES = {
    "neither": ("{model: weak, shots: shots}", "{model: weak}", "'prompt' or 'shots'"),
    "a model": ("shots: shots", "shots: weak", "'weak' is model; expected traces or problems"),
    "unknown": ("shots: shots", "shts: shots", "unknown key 'shts'; did you mean 'shots'"),
}


@pytest.mark.parametrize(("old", "new", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_say_where(tmp_path, old, new, says):
    with pytest.raises(ConfigError, match=says):
        load_plan(project(tmp_path, RECIPE + SHOTS.replace(old, new, 1)), seed=None)
