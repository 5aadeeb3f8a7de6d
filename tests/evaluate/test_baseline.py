"""Expected accuracies beside reached ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.evaluate.baseline import Baseline, against, read

ROOT = Path(__file__).parents[2]


def score(accuracy, model="a", suite="s", n=100):
    return {
        "model": model,
        "suite": suite,
        "n": n,
        "accuracy": accuracy,
        "low": accuracy - 0.05,
        "high": accuracy + 0.05,
    }


def held(reached, **expected):
    whole = {"model": "a", "suite": "s", "accuracy": 0.5, **expected}
    baseline = Baseline.model_validate({"command": "c", "tolerance": 0.01, "scores": [whole]})
    return next(against({"scores": reached}, baseline))


def test_within_the_tolerance_is_as_expected():
    for accuracy in (0.49, 0.5, 0.51):
        assert held([score(accuracy)]).verdict == "as expected"


def test_outside_it_says_by_how_much_and_whether_chance_could_do_it():
    near = held([score(0.53)])
    assert (near.verdict, "3.0 above" in near.line, "holds" in near.line) == ("above", True, True)
    far = held([score(0.4)])
    assert (far.verdict, "10.0 below" in far.line, "leaves out" in far.line) == (
        "below",
        True,
        True,
    )


def test_a_score_may_have_a_tolerance_of_its_own():
    assert held([score(0.53)], tolerance=0.05).verdict == "as expected"
    assert held([score(0.5)], tolerance=0.0).verdict == "as expected"


def test_other_problems_and_other_models_are_not_comparable():
    assert held([score(0.5)], n=200).verdict == "not comparable"
    assert held([score(0.5, model="b")]).verdict == "not comparable"
    assert held([score(0.5)], n=100).verdict == "as expected"


MISTAKES = {
    "not there": (None, "no such file"),
    "not JSON": ("{", "Invalid JSON"),
    "no command": ('{"tolerance": 0, "scores": []}', "command"),
    "percent": (
        json.dumps({"command": "c", "tolerance": 0, "scores": [score(50.0)]}),
        "scores.0.accuracy",
    ),
}


@pytest.mark.parametrize(("text", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_name_the_file_and_the_key(tmp_path, text, says):
    path = tmp_path / "baseline.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        read(path)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "eval" / "baselines").glob("*-seed*.json")), ids=lambda path: path.stem
)
def test_every_kept_baseline_is_one_and_holds_against_itself(path):
    kept = read(path)
    found = list(against(json.loads(path.read_text()), kept))
    assert {one.verdict for one in found} == {"as expected"}
    assert kept.command.startswith("reason-w2s ")
