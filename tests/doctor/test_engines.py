"""Engines against the models they are to hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reason_w2s.runs.profile import Profile
from tests.doctor.cases import GIB, RECIPE, ROOMY, diagnose, facts, findings, model, project
from tests.submit.test_submit import LARGE

pytestmark = pytest.mark.torch
pytest.importorskip("trl")
SIZES = [{"up_to": "20B", "replicas": 8}, {"up_to": "40B", "tensor_parallel_size": 3}]


def said(tmp_path, sizes=SIZES, gib=80):
    """What doctor says of engines for a model like Qwen2.5-32B (32.8 billion, 61 GiB)."""
    path = project(tmp_path, RECIPE)
    model(tmp_path / "weak", **{name: value for name, value in LARGE.items()})
    train = {"device": "cuda", "processes": 8, "zero_stage": 3}
    profile = Profile.model_validate({"engine": {"sizes": sizes}, "train": train})
    machine = replace(ROOMY, device_bytes=gib * GIB)
    found = diagnose(path, profile=profile, machine=machine, runs=tmp_path)
    return facts(found, "engine"), [one for one in findings(found) if "engine" in one.where]


def test_heads_are_divided_evenly(tmp_path):
    (fact, *_), (finding,) = said(tmp_path)
    assert fact.text.startswith("weak: 32.8 billion parameters on 3 GPUs")
    assert (
        finding.what
        == "'weak' has 40 attention heads, which tensor_parallel_size 3 does not divide"
    )


@pytest.mark.parametrize(("gpus", "gib", "fits"), [(1, 80, True), (1, 60, False), (2, 60, True)])
def test_weights_fit_their_gpus(tmp_path, gpus, gib, fits):
    _, found = said(tmp_path, [{"tensor_parallel_size": gpus}], gib)
    assert [one.what.split(" take ")[0] for one in found] == (
        [] if fits else ["the weights of 'weak'"]
    )
