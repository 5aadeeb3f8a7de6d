"""Results of several runs taken together."""

from __future__ import annotations

import pytest

from reason_w2s.errors import DataError
from reason_w2s.evaluate.sweep import difference, is_sweep, sweep

LABELS = {"answers": 10, "solutions": 0, "sets": {}}
ROLES = {"pretrained": "stratum", "seed": "seed", "n": "setting"}


def result(values, accuracies, *, key="k", labels=LABELS, roles=ROLES, uses=None):
    """What a run of these values found of each model, on one suite."""
    scores = [
        {"model": name, "step": name, "suite": "s", "n": 5, "accuracy": share, "labels": labels}
        for name, share in accuracies.items()
    ]
    costs = [
        {"model": name, "tokens_generated": 100, "tokens_trained": 10 * len(name), "seconds": 1.0}
        for name in accuracies
    ]
    first, *others = accuracies
    return {
        "name": "tried",
        "title": "",
        "cell": {"values": values, "roles": {name: roles[name] for name in values}},
        "suites": [{"name": "s", "key": key}],
        "scores": scores,
        "costs": costs,
        "comparisons": [{"suite": "s", "a": first, "b": other} for other in others],
        "uses": uses or {},
        "warnings": ["always", f"only {values}"],
        "environment": {},
    }


def by_seed(pretrained, seeds, model=(0.2, 0.4, 0.6), base=(0.1, 0.2, 0.3), **more):
    return {
        f"p{pretrained}s{seed}": result(
            {"pretrained": pretrained, "seed": seed},
            {"tuned": model[at], "base": base[at]},
            key=f"problems {seed}",
            **more,
        )
        for at, seed in enumerate(seeds)
    }


def test_means_over_seeds_within_strata():
    found = sweep({**by_seed(0, range(3)), **by_seed(1, range(3), (0.5, 0.5, 0.5))})
    (group,) = found["groups"]
    tuned = next(one for one in group["scores"] if one["model"] == "tuned")
    assert tuned["accuracy"] == pytest.approx(0.45)
    assert [one["accuracy"] for one in tuned["strata"]] == pytest.approx([0.4, 0.5])
    # squares within .04 + .04 over 4: variance .02 over 6 runs
    assert tuned["error"] == pytest.approx((0.02 / 6) ** 0.5)
    assert [one["values"] for one in tuned["strata"]] == [{"pretrained": 0}, {"pretrained": 1}]
    assert found["suites"] == [{"name": "s", "varies": True}]
    (paired,) = group["comparisons"]
    # .1 .2 .3 and .4 .3 .2, each run by itself
    assert paired["difference"] == pytest.approx(0.25)
    assert paired["error"] == pytest.approx((0.04 / 4 / 6) ** 0.5)
    assert paired["outcome"] == "above"
    assert [one["difference"] for one in paired["strata"]] == pytest.approx([0.2, 0.3])


def test_a_warning_of_all_runs_stands_once():
    warnings = sweep(by_seed(0, range(2)))["warnings"]
    assert [(one["text"], len(one["runs"])) for one in warnings] == [
        ("always", 2),
        ("only {'pretrained': 0, 'seed': 0}", 1),
        ("only {'pretrained': 0, 'seed': 1}", 1),
    ]


def test_an_interval_does_not_leave_what_an_accuracy_can_be():
    found = sweep(by_seed(0, range(3), (1.0, 0.98, 1.0), (0.0, 0.3, 0.0)))
    tuned, base = found["groups"][0]["scores"]
    assert tuned["high"] == 1.0 and tuned["low"] < 0.98
    assert base["low"] == 0.0


def test_one_run_of_each_has_no_interval():
    found = sweep({**by_seed(0, [0]), **by_seed(1, [0])})
    score = found["groups"][0]["scores"][0]
    assert score["low"] is None
    assert score["why"] == "no two runs differ in their seed alone"
    assert found["groups"][0]["comparisons"][0]["outcome"] == "not known"


def test_settings_are_not_averaged():
    runs = {
        f"n{n}s{seed}": result({"n": n, "seed": seed}, {"tuned": n / 10 + seed / 100})
        for n in (2, 4)
        for seed in (0, 1)
    }
    groups = sweep(runs)["groups"]
    assert [group["settings"] for group in groups] == [{"n": 2}, {"n": 4}]
    means = [group["scores"][0]["accuracy"] for group in groups]
    assert means == pytest.approx([0.205, 0.405])
    assert groups[0]["scores"][0]["strata"] == []


def test_costs_are_means_and_labels_that_differ_are_said_to():
    runs = by_seed(0, range(2)) | by_seed(0, [2], labels={**LABELS, "answers": 9})
    group = sweep(runs)["groups"][0]
    assert group["costs"][0] == {
        "model": "tuned",
        "cells": 3,
        "tokens_generated": 100,
        "tokens_trained": 50,
        "seconds": 1.0,
    }
    assert group["scores"][0]["labels_differ"] is True


def test_a_used_model_is_called_by_its_recipe():
    uses = {"tuned": {"recipe": "w2sr_p", "step": "best"}}
    scores = sweep(by_seed(0, range(2), uses=uses))["groups"][0]["scores"]
    assert [(one["recipe"], one["step"]) for one in scores] == [
        ("w2sr_p", "best"),
        ("tried", "base"),
    ]


def test_a_model_that_a_cell_lacks_is_compared_in_no_cell():
    runs = by_seed(0, range(3))
    runs["p0s2"]["scores"].pop(0)
    group = sweep(runs)["groups"][0]
    assert difference(group, "tuned", "base", "s") is None
    assert difference(group, "tuned", "nobody", "s") is None


def test_runs_of_no_sweep_or_of_two_are_refused():
    one, two = by_seed(0, [0]), {"n": result({"n": 1}, {"tuned": 0.5})}
    assert not is_sweep(list(one.values()))
    assert not is_sweep([*one.values(), *two.values()])
    with pytest.raises(DataError, match="one sweep"):
        sweep({**one, **two})


def with_gap(run, value):
    return {**run, "gaps": [{"name": "pgr", "suite": "s", "measure": "PGR", "value": value}]}


def test_gaps_are_averaged_over_runs_and_refused_where_one_refuses():
    runs = by_seed(0, range(3))
    given = {name: with_gap(run, at / 2) for at, (name, run) in enumerate(runs.items())}
    (gap,) = sweep(given)["groups"][0]["gaps"]
    assert gap["value"] == pytest.approx(0.5)
    assert gap["error"] == pytest.approx(0.5 / 3**0.5)
    assert [cell["value"] for cell in gap["cells"]] == [0.0, 0.5, 1.0]
    given["p0s1"] = with_gap(runs["p0s1"], None)
    (gap,) = sweep(given)["groups"][0]["gaps"]
    assert (gap["value"], gap["low"], gap["strata"]) == (None, None, [])
    assert gap["why"] == "refused in 1 of 3 runs"
