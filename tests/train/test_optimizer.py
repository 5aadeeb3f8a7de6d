"""An optimiser's state goes on in the next step: two steps of five updates are one of ten."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings, TrainStats
from reason_w2s.train.examples import stream
from reason_w2s.train.optimizer import check
from reason_w2s.train.run import TrainPlaces, train
from tests.train.runs import PROMPT, preferences, sums, weights

BATCH, SEED = 2, 7
WHOLE, HALF = 20, 10
LORA = Lora(r=4, alpha=8)
compiles = pytest.mark.skipif(
    shutil.which("c++") is None, reason="no C++ compiler: DeepSpeed builds an extension on CPU"
)


def settings(updates: int, objective: str = "sft", **changes: object) -> TrainSettings:
    rate = {"learning_rate": 1e-2} if objective == "sft" else {"learning_rate": 1e-3, "beta": 0.5}
    trainer = {**rate, "lr_scheduler_type": "constant", "warmup_steps": 0}
    return TrainSettings(
        **{
            "objective": objective,
            "batch": BATCH,
            "updates": updates,
            "trainer": trainer,
            **changes,
        }
    )


def halves(data: list) -> tuple[list, list]:
    """The data of two steps, each in such an order that their updates see what one step's do."""
    seen = [data[at] for at in stream(WHOLE, WHOLE, SEED)]
    places = stream(HALF, HALF, SEED)
    made = []
    for part in (seen[:HALF], seen[HALF:]):
        own = list(part)
        for place, row in zip(places, part, strict=True):
            own[place] = row
        made.append(own)
    return made[0], made[1]


def fit(init: Path, folder: Path, data: list, what: TrainSettings, **places: object) -> TrainStats:
    profile = places.pop("profile", TrainProfile(threads=1))
    where = TrainPlaces(init, places.pop("ref", None), folder / "out", folder / "work", **places)
    return train(
        data, what, where, prompt=PROMPT, seed=SEED, profile=profile, progress=lambda *_: None
    )


def both_ways(init: Path, folder: Path, objective: str = "sft", **changes: object) -> list[Path]:
    """One step of ten updates; two of five whose state goes on; the second with a state of its own.

    DPO's reference is the first model throughout. A profile is for the two that go on.
    """
    profile = changes.pop("profile", TrainProfile(threads=1))
    whole = preferences(WHOLE) if objective == "dpo" else sums(WHOLE)
    first, second = halves(whole)
    ref = init if objective == "dpo" else None
    fit(init, folder / "one", whole, settings(10, objective, **changes), ref=ref)
    leaves = settings(5, objective, save_optimizer=True, **changes)
    fit(init, folder / "first", first, leaves, ref=ref, profile=profile)
    middle, left = folder / "first" / "out", folder / "first" / "work" / "optimizer"
    goes_on = settings(5, objective, keep_optimizer=True, **changes)
    fit(middle, folder / "second", second, goes_on, optimizer=left, ref=ref, profile=profile)
    fit(middle, folder / "anew", second, settings(5, objective, **changes), ref=ref)
    return [folder / name / "out" for name in ("one", "second", "anew")]


def furthest(one: Path, other: Path) -> float:
    """The largest difference between two models' weights."""
    first, second = weights(one), weights(other)
    for found in (first, second):
        # under ZeRO-2 transformers writes a head that is tied to the embedding once more
        found.pop("lm_head.weight", None)
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


@pytest.mark.torch
@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_two_steps_are_one_bit_for_bit(tiny_model: Path, tmp_path: Path, objective: str) -> None:
    one, two, anew = both_ways(tiny_model, tmp_path, objective)
    assert furthest(one, two) == 0
    assert furthest(one, anew) > 1e-4


@pytest.mark.torch
@pytest.mark.parametrize("objective", ["sft", "dpo"])
def test_an_adapter_goes_on_being_trained(tiny_model: Path, tmp_path: Path, objective: str) -> None:
    from reason_w2s.engines.hf import load_model

    one, two, anew = both_ways(tiny_model, tmp_path, objective, lora=LORA)
    assert furthest(one, two) == 0
    assert not (two / "base").exists(), "its base is the one it started from"
    merged = [dict(load_model(folder).named_parameters()) for folder in (one, two, anew)]
    for name, weight in merged[0].items():
        assert weight.equal(merged[1][name]), name
    assert any(not weight.equal(merged[2][name]) for name, weight in merged[0].items())


@pytest.mark.torch
def test_the_float32_weights_go_on_too(tiny_model: Path, tmp_path: Path) -> None:
    """Between two steps they are stored in bfloat16, which a small update does not change."""
    one, two, anew = both_ways(tiny_model, tmp_path, dtype="bfloat16")
    assert furthest(one, two) == 0
    assert furthest(one, anew) > 1e-4


@pytest.mark.torch
def test_the_rate_is_the_later_steps_own(tiny_model: Path, tmp_path: Path) -> None:
    first, second = halves(sums(WHOLE))
    fit(tiny_model, tmp_path / "first", first, settings(5, save_optimizer=True))
    middle, left = tmp_path / "first" / "out", tmp_path / "first" / "work" / "optimizer"
    still = {"learning_rate": 0.0, "lr_scheduler_type": "constant"}
    what = settings(5, keep_optimizer=True, trainer=still)
    fit(middle, tmp_path / "still", second, what, optimizer=left)
    assert furthest(middle, tmp_path / "still" / "out") == 0


@compiles
@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("stage", "lora"), [(0, None), (2, LORA), (3, None)], ids=str)
def test_processes_take_it_up(tiny_model: Path, tmp_path: Path, stage: int, lora) -> None:
    profile = TrainProfile(processes=2, zero_stage=stage, threads=1)
    one, two, anew = both_ways(tiny_model, tmp_path, lora=lora, profile=profile)
    assert furthest(one, anew) > 1e-3
    # sums in another order: Adam makes a little of that, and much of a state that is not there
    assert furthest(one, two) < 0.2 * furthest(one, anew)


def test_a_state_in_other_pieces_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shape.json").write_text('{"processes": 8, "zero_stage": 3}')
    check(tmp_path, TrainProfile(processes=8, zero_stage=3))
    for profile in (TrainProfile(), TrainProfile(processes=4, zero_stage=3)):
        with pytest.raises(ConfigError, match="left by 8 processes under ZeRO stage 3"):
            check(tmp_path, profile)
    (tmp_path / "shape.json").write_text('{"processes": 1, "zero_stage": 0}')
    check(tmp_path, TrainProfile(processes=4))
    with pytest.raises(ConfigError, match="this profile has 2 processes under ZeRO stage 2"):
        check(tmp_path, TrainProfile(processes=2, zero_stage=2))


def test_no_state(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no optimiser state in"):
        check(tmp_path, TrainProfile())
