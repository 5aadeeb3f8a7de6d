"""Training with our loss terms: against TRL's own, against hand, and what a recipe may say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from reason_w2s.engines import EngineSettings, model_folder
from reason_w2s.errors import ConfigError, StoreError
from reason_w2s.train.config import Lora, TrainProfile, TrainSettings
from reason_w2s.train.examples import dpo_rows, sft_rows
from reason_w2s.train.terms import Conservative
from tests.train.runs import PROMPT, preferences, run, sums, uneven, weights

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
pytest.importorskip("trl")

PARTS = TrainProfile(micro_batch=3, threads=1)


def settings(loss: dict[str, Any] | None, **changes: Any) -> TrainSettings:
    preference = loss is not None and loss["name"] == "conservative"
    rate = {"learning_rate": 1e-3, "beta": 0.5} if preference else {"learning_rate": 1e-2}
    objective = "dpo" if preference else "sft"
    trainer = {**rate, "warmup_steps": 0, "weight_decay": 0.0}
    what = {"objective": objective, "batch": 24, "updates": 6, "trainer": trainer, "loss": loss}
    return TrainSettings.model_validate({**what, **changes})


CONFIDENCE = {"name": "confidence", "weight": 0.5, "warmup": 0.5}
CONSERVATIVE = {"name": "conservative", "flipped": 0.2}
EARLY = {"name": "early_learning"}


@pytest.mark.parametrize("lora", [None, Lora(r=4, alpha=8)])
def test_without_weight_confidence_is_trls_own_loss(
    tiny_model: Path, tmp_path: Path, lora: Lora | None
) -> None:
    """At the first update of a warm-up the student's own prediction does not count yet."""
    plain = run(tiny_model, tmp_path / "plain", settings(None, updates=1, lora=lora))
    ours = run(tiny_model, tmp_path / "ours", settings(CONFIDENCE, updates=1, lora=lora))
    assert ours.log[0]["own_weight"] == 0
    for name in ("loss", "grad_norm", "entropy", "mean_token_accuracy", "num_tokens"):
        assert ours.log[0][name] == pytest.approx(plain.log[0][name], rel=1e-4), name
    assert close(weights(tmp_path / "plain" / "out"), weights(tmp_path / "ours" / "out"))


def test_the_first_loss_is_the_one_by_hand(tiny_model: Path, tmp_path: Path) -> None:
    """Mean over answer tokens of -(1 - a) log p(weak) - a log max p, prompts left out."""
    from reason_w2s.engines.hf import load_model

    stats = run(tiny_model, tmp_path, settings({**CONFIDENCE, "weight": 0.75, "warmup": 0}))
    model = load_model(tiny_model)
    values = []
    for row in sft_rows(sums(), PROMPT, model_folder.load_tokenizer(tiny_model)):
        with torch.no_grad():
            given = model(torch.tensor([row["input_ids"]])).logits[0].log_softmax(-1)
        for place, label in enumerate(row["labels"]):
            if label != -100:
                line = given[place - 1]
                values.append(0.25 * line[label].item() + 0.75 * line.max().item())
    assert stats.log[0]["loss"] == pytest.approx(-sum(values) / len(values), rel=1e-4)


def test_the_weight_warms_up(tiny_model: Path, tmp_path: Path) -> None:
    stats = run(tiny_model, tmp_path, settings(CONFIDENCE, updates=6))
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- loss term: name confidence, weight 0.5, warmup 0.5\n" in card
    warm = [entry["own_weight"] for entry in stats.log]
    assert warm == pytest.approx([0, 1 / 6, 2 / 6, 0.5, 0.5, 0.5])


@pytest.mark.parametrize("loss", [CONFIDENCE, EARLY, CONSERVATIVE])
def test_micro_batches_change_nothing(
    tiny_model: Path, tmp_path: Path, loss: dict[str, Any]
) -> None:
    """Answers are of other lengths in each micro batch: a mean of their means would show."""
    data = None if loss is CONSERVATIVE else uneven()
    # plain descent: Adam would blow a rounding error in a gradient near zero up to a whole step
    descent = {"optim": "sgd", "learning_rate": 0.1, "warmup_steps": 0}
    what = settings(loss, trainer=descent)
    whole = run(tiny_model, tmp_path / "1", what, profile=TrainProfile(threads=1), data=data)
    parts = run(tiny_model, tmp_path / "8", what, data=data, profile=PARTS)
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-5)
    assert losses(whole)[-1] != pytest.approx(losses(whole)[0], rel=1e-2)
    assert close(weights(tmp_path / "1" / "out"), weights(tmp_path / "8" / "out"))


@pytest.mark.parametrize("flipped", [0.0, 0.2, 0.49])
def test_trl_trains_on_the_conservative_loss(
    tiny_model: Path, other_tiny_model: Path, tmp_path: Path, flipped: float
) -> None:
    """Before the first update, with another model as the reference, scored by our own scorer."""
    from reason_w2s.engines.scorer import HfScorer
    from reason_w2s.train.losses import conservative_dpo

    what = settings({**CONSERVATIVE, "flipped": flipped}, updates=1)
    stats = run(tiny_model, tmp_path, what, ref=other_tiny_model)
    rows = dpo_rows(preferences(), PROMPT, model_folder.load_tokenizer(tiny_model))
    sides = [
        [(row["prompt_ids"], row[side]) for row in rows] for side in ("chosen_ids", "rejected_ids")
    ]
    four = []
    for model in (tiny_model, other_tiny_model):
        scorer = HfScorer(model, EngineSettings(dtype="float32"))
        four += [torch.tensor([sum(line) for line in scorer.logprobs(side)]) for side in sides]
    expected = conservative_dpo(*four, beta=0.5, flipped=flipped).mean().item()
    assert stats.log[0]["loss"] == pytest.approx(expected, abs=2e-3)


def test_the_two_terms_of_trl_add_up_to_it() -> None:
    """Over margins no model has, in float64; TRL's own formulas (1.16) written out."""
    from torch.nn.functional import logsigmoid

    from reason_w2s.train.losses import conservative_dpo

    x = torch.linspace(-30, 30, 121, dtype=torch.float64)
    zero = torch.zeros_like(x)
    for flipped in (0.0, 0.1, 0.37, 0.49):
        told = Conservative(name="conservative", flipped=flipped).arguments()
        smooth = told["label_smoothing"]
        clean, turned = -(1 - smooth) * logsigmoid(x), -smooth * logsigmoid(-x)
        terms = {"sigmoid": -logsigmoid(x), "robust": (clean - turned) / (1 - 2 * smooth)}
        found = sum(
            weight * terms[name]
            for name, weight in zip(told["loss_type"], told["loss_weights"], strict=True)
        )
        assert torch.allclose(found, conservative_dpo(x, zero, zero, zero, 1.0, flipped))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"loss": EARLY, "trainer": {"packing": True}}, "leaves no say to trainer.packing"),
        ({"objective": "dpo"}, "loss: confidence is for objective: sft, got objective: dpo"),
        ({"trainer": {"loss_type": "dft"}}, "leaves no say to trainer.loss_type; remove"),
        ({"loss": {"name": "confidense"}}, "confidense"),
        ({"loss": {**CONFIDENCE, "weight": 1.0}}, "less than 1"),
        ({"loss": {**CONFIDENCE, "warm": 1.0}}, "warm"),
        ({"loss": CONSERVATIVE}, "loss: conservative is for objective: dpo, got objective: sft"),
        (
            {
                "loss": CONSERVATIVE,
                "objective": "dpo",
                "trainer": {"label_smoothing": 0.1, "loss_type": "robust"},
            },
            "conservative leaves no say to trainer.loss_type",
        ),
        ({"loss": {**CONSERVATIVE, "flipped": 0.5}}, "less than 0.5"),
    ],
)
def test_what_cannot_stand_together(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TrainSettings.model_validate(
            {"objective": "sft", "updates": 1, "loss": CONFIDENCE, **changes}
        )


def test_a_rate_must_be_known_in_the_end(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"loss.flipped: the rate of flipped pairs is not said"):
        run(tiny_model, tmp_path, settings({"name": "conservative"}))


def test_the_second_time_it_remembers(tiny_model: Path, tmp_path: Path) -> None:
    """A rate of zero: the second epoch's loss is by hand from what the same model said twice."""
    from reason_w2s.engines.hf import load_model

    still, data = {"learning_rate": 0.0, "warmup_steps": 0}, different(tiny_model)
    what = settings({**EARLY, "keep": 4}, updates=2, batch=len(data), trainer=still)
    stats = run(tiny_model, tmp_path, what, data=data)
    model = load_model(tiny_model)
    values: tuple[list[float], list[float]] = ([], [])
    for row in sft_rows(data, PROMPT, model_folder.load_tokenizer(tiny_model)):
        with torch.no_grad():
            given = model(torch.tensor([row["input_ids"]])).logits[0].softmax(-1)
        for place, label in enumerate(row["labels"]):
            if label != -100:
                p = given[place - 1]
                likely = p.topk(4)
                for epoch, share in enumerate((0.3, 0.7 * 0.3 + 0.3)):
                    agreed = share * (likely.values * likely.values).sum()
                    values[epoch].append((-p[label].log() + 3 * (1 - agreed).log()).item())
    expected = [sum(one) / len(one) for one in values]
    assert losses(stats) == pytest.approx(expected, rel=1e-4)
    assert expected[1] < expected[0] - 0.01


def test_killed_and_gone_on_it_remembers(tiny_model: Path, tmp_path: Path) -> None:
    what, saving = settings(EARLY), TrainProfile(save_updates=2, threads=1)
    whole = run(tiny_model, tmp_path / "whole", what, profile=saving)

    class Killed(Exception):
        pass

    def die(done: int, _: int) -> None:
        if done == 5:
            raise Killed

    with pytest.raises(Killed):
        run(tiny_model, tmp_path / "cut", what, profile=saving, progress=die)
    kept = tmp_path / "cut" / "work" / "checkpoint-4"
    assert (kept / "remembered.pt").is_file()
    resumed = run(tiny_model, tmp_path / "cut", what, profile=saving)
    assert losses(resumed) == losses(whole)
    assert close(weights(tmp_path / "whole" / "out"), weights(tmp_path / "cut" / "out"))


def test_a_checkpoint_without_its_memory_is_not_gone_on_from(
    tiny_model: Path, tmp_path: Path
) -> None:
    what, saving = settings(EARLY), TrainProfile(save_updates=2, threads=1)

    def die(done: int, _: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tiny_model, tmp_path, what, profile=saving, progress=die)
    left = tmp_path / "work" / "checkpoint-2"
    (left / "remembered.pt").unlink()
    lost = tmp_path / "lost"
    shutil.copytree(tmp_path / "work", lost / "work")
    # it is not whole: training begins anew, and ends as one that was never broken off
    again = run(tiny_model, lost, what, profile=saving)
    assert losses(again) == losses(run(tiny_model, tmp_path / "never", what, profile=saving))
    # one that counts as whole without it
    whole = json.loads((left / "whole.json").read_text())
    del whole["files"]["remembered.pt"]
    (left / "whole.json").write_text(json.dumps(whole))
    with pytest.raises(StoreError, match=r"remembered.pt: not there; delete .*checkpoint-2"):
        run(tiny_model, tmp_path, what, profile=saving)


def test_what_comes_once_is_not_remembered(tiny_model: Path, tmp_path: Path) -> None:
    data = different(tiny_model)
    with pytest.raises(ConfigError, match=f"each of the {len(data)} comes once; train for more"):
        run(tiny_model, tmp_path, settings(EARLY, updates=1, batch=len(data)), data=data)


def different(model: Path) -> list[Any]:
    """`sums`, each of other tokens."""
    rows = sft_rows(sums(), PROMPT, model_folder.load_tokenizer(model))
    found = {tuple(row["input_ids"]): one for row, one in zip(rows, sums(), strict=True)}
    assert len(found) > 8
    return list(found.values())


def losses(stats: Any) -> list[float]:
    return [entry["loss"] for entry in stats.log]


def close(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return one.keys() == two.keys() and all(
        torch.allclose(one[name], two[name], atol=1e-5) for name in one
    )
