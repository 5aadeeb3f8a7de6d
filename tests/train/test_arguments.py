"""From recipe and profile to TRL's arguments. No TRL is imported here, except to compare with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.train import arguments
from reason_w2s.train.config import TrainProfile, TrainSettings
from reason_w2s.train.objectives import OBJECTIVES

OUTPUT = Path("work")


@pytest.mark.parametrize(
    ("batch", "processes", "micro", "expected"),
    [
        (16, 1, None, (16, 1)),
        (16, 1, 4, (4, 4)),
        (128, 8, 2, (2, 8)),
        (6, 3, None, (2, 1)),
    ],
)
def test_accumulation_is_exact(batch, processes, micro, expected) -> None:
    profile = TrainProfile(processes=processes, micro_batch=micro)
    got = arguments.accumulation(batch, profile)
    assert got == expected
    assert got[0] * got[1] * processes == batch


@pytest.mark.parametrize(
    ("batch", "expected"), [(128, (8, 16)), (12, (6, 2)), (7, (7, 1)), (1, (1, 1))]
)
def test_a_gpu_takes_at_most_eight_at_once(batch, expected) -> None:
    profile = TrainProfile(device="cuda")
    assert arguments.accumulation(batch, profile) == expected


@pytest.mark.parametrize(
    ("batch", "processes", "micro", "said"),
    [
        (16, 3, None, "does not divide over 3 processes"),
        (16, 2, 3, "no multiple of micro_batch 3"),
    ],
)
def test_a_batch_that_does_not_divide_is_an_error(batch, processes, micro, said) -> None:
    profile = TrainProfile(processes=processes, micro_batch=micro)
    with pytest.raises(ConfigError, match=said):
        arguments.accumulation(batch, profile)


@pytest.mark.parametrize(
    ("objective", "trainer", "said"),
    [
        ("sft", {"per_device_train_batch_size": 4}, "`batch` of the train step.*micro_batch"),
        ("sft", {"max_steps": 5}, "`updates` of the train step"),
        ("dpo", {"bf16": True}, "`dtype` of the train step"),
        ("sft", {"save_steps": 10}, "`save_updates` in launch/profiles"),
        ("sft", {"output_dir": "x"}, "the run"),
        ("sft", {"deepspeed": "ds.json"}, "launch/profiles"),
        ("sft", {"learning_rat": 1e-5}, "unknown key 'learning_rat'.*did you mean 'learning_rate'"),
        ("sft", {"beta": 0.1}, "unknown key 'beta' for sft in TRL 1.16"),
        ("sft", {"learning_rate": "2e-5"}, "expected float, got '2e-5'"),
        ("dpo", {"precompute_ref_log_probs": 1}, "expected bool, got 1"),
        ("sft", {"batch_size": 4}, "unknown key 'batch_size'"),
        ("dpo", {"label_smoothing": 0.1}, "TRL ignores it under loss_type sigmoid"),
    ],
)
def test_keys_that_do_not_belong_here(objective, trainer, said) -> None:
    with pytest.raises(ConfigError, match=said):
        arguments.check_trainer_keys(objective, trainer)


@pytest.mark.parametrize(
    ("objective", "trainer"),
    [
        ("sft", {"learning_rate": 1e-5, "num_train_epochs": 2, "packing": True, "max_length": 64}),
        ("dpo", {"beta": 5.0, "loss_type": "sigmoid_norm", "precompute_ref_log_probs": True}),
        ("dpo", {"loss_type": ["robust"], "label_smoothing": 0.1}),
    ],
)
def test_trls_own_keys_pass(objective, trainer) -> None:
    arguments.check_trainer_keys(objective, trainer)


def test_every_key_we_own_exists() -> None:
    known = {key for name in OBJECTIVES for key in arguments._known(name)}
    assert set(arguments.OWNED) <= known
    for start in arguments.OWNED_PREFIXES:
        assert any(key.startswith(start) for key in known), start


@pytest.mark.parametrize(
    ("settings", "examples", "updates"),
    [
        ({"updates": 120}, 10, 120),
        ({"trainer": {"num_train_epochs": 3}}, 100, 19),  # 300 examples, 16 at a time
        ({"trainer": {"num_train_epochs": 1}}, 16, 1),
        ({"trainer": {"num_train_epochs": 0.5}}, 64, 2),
    ],
)
def test_how_long_a_run_is(settings, examples, updates) -> None:
    assert arguments.total_updates(TrainSettings(objective="sft", **settings), examples) == updates


@pytest.mark.parametrize("updates", [5, None])
def test_updates_and_epochs_are_not_both_nor_neither(updates) -> None:
    trainer = {} if updates is None else {"num_train_epochs": 1}
    settings = TrainSettings(objective="sft", updates=updates, trainer=trainer)
    with pytest.raises(ConfigError, match="not both"):
        arguments.config_arguments(settings, TrainProfile(), output=OUTPUT, examples=9, seed=0)


@pytest.mark.parametrize("objective", ["dpo", "kto"])
def test_a_reference_is_scored_before_on_one_process_only(objective) -> None:
    trainer = {"precompute_ref_log_probs": True}
    settings = TrainSettings(objective=objective, updates=3, trainer=trainer)
    of = {"output": OUTPUT, "examples": 9, "seed": 0}
    assert arguments.config_arguments(settings, TrainProfile(), **of)["precompute_ref_log_probs"]
    with pytest.raises(ConfigError, match="one process alone finds them, and the profile has 2"):
        arguments.config_arguments(settings, TrainProfile(processes=2), **of)


def test_about_fifty_log_lines() -> None:
    for updates, every in [(3, 1), (120, 2), (5000, 100)]:
        got = arguments.config_arguments(
            TrainSettings(objective="sft", updates=updates),
            TrainProfile(),
            output=OUTPUT,
            examples=9,
            seed=0,
        )
        assert got["logging_steps"] == every


def test_no_trl_is_needed() -> None:
    code = (
        "import sys; from reason_w2s.train.arguments import check_trainer_keys; "
        "check_trainer_keys('sft', {'learning_rate': 1e-5}); "
        "sys.exit('trl' in sys.modules or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.torch
def test_the_key_list_is_the_installed_trls() -> None:
    pytest.importorskip("trl")
    from reason_w2s.train.trl_keys import installed_keys

    assert arguments._keys() == installed_keys(), "run: python -m reason_w2s.train.trl_keys"


@pytest.mark.torch
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_trl_takes_our_arguments(objective, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    got = arguments.config_arguments(
        TrainSettings(objective=objective, updates=5),
        TrainProfile(),
        output=tmp_path,
        examples=9,
        seed=3,
    )
    config = OBJECTIVES[objective].config_class()(**got)
    assert (config.bf16, config.gradient_checkpointing, config.seed) == (False, False, 3)
