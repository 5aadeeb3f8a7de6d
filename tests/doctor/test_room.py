"""Memory, disk and versions against a machine."""

from __future__ import annotations

import importlib.metadata
import shutil
from dataclasses import replace

import pytest

from reason_w2s.runs.profile import Profile
from reason_w2s.train.config import TrainProfile
from tests.doctor.cases import (
    GIB,
    ROOMY,
    SOLVED,
    diagnose,
    facts,
    findings,
    model,
    only,
    project,
    this_machine,
    unchecked,
)

pytestmark = pytest.mark.torch
pytest.importorskip("trl")

SEVEN = {
    "vocab_size": 152064,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
}
"""Qwen2.5-7B's sizes: 7.62 billion parameters."""
HALF = "steps.tuned.train.dtype=bfloat16"


def on_gpu(processes: int = 1, stage: int = 0) -> Profile:
    train = TrainProfile(
        device="cuda",
        processes=processes,
        zero_stage=stage,
        micro_batch=1,
        gradient_checkpointing=True,
    )
    return Profile(train=train)


def seven(folder):
    path = project(folder, SOLVED)
    model(folder / "student", **SEVEN)
    return path


def test_a_model_too_large_for_the_gpu(tmp_path):
    path, card = seven(tmp_path), replace(ROOMY, device_bytes=80 * GIB)
    found = only(diagnose(path, HALF, profile=on_gpu(), machine=card))
    assert found.severity == "error"
    assert found.where == "profile.yaml: train"
    assert "the GPU has 80.0 GiB" in found.what
    assert "zero_stage 3" in found.todo
    assert not findings(diagnose(path, HALF, profile=on_gpu(8, 3), machine=card))
    lora = diagnose(path, HALF, "steps.tuned.train.lora=all_linear", profile=on_gpu(), machine=card)
    assert not findings(lora)


def test_rows_too_long_for_the_gpu_are_a_warning(tmp_path):
    """The states fit, and the longest row does not."""
    path = seven(tmp_path)
    (fact,) = facts(diagnose(path, HALF, profile=on_gpu()), "memory")
    gib = fact.data["gib"]
    states = gib["weights"] + gib["gradients"] + gib["optimiser"]
    card = replace(ROOMY, device_bytes=int((states + gib["total"]) / 2 * GIB))
    assert only(diagnose(path, HALF, profile=on_gpu(), machine=card)).severity == "warning"


def test_a_gpu_that_is_not_here_is_not_guessed(tmp_path):
    found = diagnose(seven(tmp_path), HALF, profile=on_gpu())
    assert not findings(found)
    assert "profile.yaml trains on GPUs, and none is here" in unchecked(found)


def test_processes_on_one_cpu_share_its_memory(tmp_path):
    path = seven(tmp_path)
    laptop = replace(ROOMY, memory_bytes=16 * GIB)
    assert "this machine has 16.0 GiB" in only(diagnose(path, machine=laptop)).what


def test_an_architecture_that_is_not_known_is_said(tmp_path):
    path = project(tmp_path, SOLVED)
    model(tmp_path / "student", model_type="gpt_neox")
    assert "the sizes of a 'gpt_neox' are not known" in unchecked(diagnose(path))


def test_a_disk_too_small(tmp_path):
    path, full = seven(tmp_path), replace(ROOMY, free_bytes=200 * GIB)
    found = only(diagnose(path, machine=full))
    assert "of disk, and 200.0 GiB are free" in found.what
    assert "--runs FOLDER" in found.todo


PINS = (
    "trl==1.16.0; extra == 'train'",
    "transformers==5.17.0; extra == 'train'",
    "torch==2.13.0; extra == 'train'",
)


def installed(**versions) -> dict[str, str]:
    right = {"trl": "1.16.0", "transformers": "5.17.0", "torch": "2.13.0+cpu"}
    return {**ROOMY.versions, **right, **versions}


@pytest.mark.parametrize(
    ("versions", "severity", "said"),
    [
        (
            {"trl": "1.17.0"},
            "warning",
            "trl 1.17.0 is installed; this package is pinned to ==1.16.0",
        ),
        ({"torch": "2.12.0"}, "warning", "torch 2.12.0 is installed"),
    ],
)
def test_versions_beside_the_pins(tmp_path, versions, severity, said):
    machine = replace(ROOMY, versions=installed(**versions), pins=PINS)
    found = only(diagnose(project(tmp_path), machine=machine))
    assert said in found.what
    assert found.severity == severity


def test_versions_outside_trls_window(tmp_path):
    machine = replace(
        ROOMY, versions=installed(transformers="4.40.0"), requires=("transformers>=4.56.2",)
    )
    found = only(diagnose(project(tmp_path), machine=machine))
    assert "transformers 4.40.0 is installed; TRL 1.16.0 asks for >=4.56.2" in found.what
    assert found.severity == "error"


def test_a_package_that_is_missing(tmp_path):
    versions = {name: one for name, one in installed().items() if name != "vllm"}
    found = only(diagnose(project(tmp_path), machine=replace(ROOMY, versions=versions)))
    assert "vllm is not installed" in found.what
    assert "reason-w2s[vllm]" in found.todo
    hf = diagnose(
        project(tmp_path), machine=replace(ROOMY, versions=versions), profile=Profile(sampler="hf")
    )
    assert not findings(hf)


def test_this_environment_is_the_pinned_one(tmp_path):
    here = this_machine(tmp_path / "not" / "there")
    assert here.free_bytes == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.1)
    assert here.versions["trl"] == importlib.metadata.version("trl")
    assert any(one.startswith("trl==") for one in here.pins)
    found = diagnose(project(tmp_path), machine=replace(here, free_bytes=ROOMY.free_bytes))
    assert not [one for one in findings(found) if one.where == "this environment"]
