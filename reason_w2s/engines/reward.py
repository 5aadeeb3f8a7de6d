"""Models that give a text one number: sequence classification with a single output.

Reward models and distilled scorers, as `transformers` saves them (`...ForSequenceClassification`),
or a LoRA adapter for one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.engines import model_folder
from reason_w2s.engines.headed import HEADED, gives_scores
from reason_w2s.engines.hf import free, unloadable
from reason_w2s.engines.scorer import batches
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError, EngineError, require
from reason_w2s.trust import trusted

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def load_reward_model(
    folder: Path, dtype: str = "auto", device: str = "cpu", *, head: int | None = None
) -> PreTrainedModel:
    """The model in `folder` with one output, in evaluation mode; an adapter is merged into its
    base.

    head: the seed of a new head, where the files hold none: weights are drawn from N(0, s^2), s the
    config's `initializer_range`, the same on every process; biases are 0. None: that is refused.

    Raises:
        ConfigError: it gives no number, or several.
        EngineError: transformers cannot load it.
    """
    require("torch", "train")
    transformers = require("transformers", "train")
    transformers.utils.logging.disable_progress_bar()
    adapter = model_folder.is_adapter(folder)
    if head is None and not gives_scores(folder):
        raise ConfigError(
            f"{folder}: gives text and no score; expected a reward model "
            f"(a {HEADED} folder, such as objective: reward trains)"
        )
    source = model_folder.base_of(folder) if adapter else folder
    outputs = _one(source)
    try:
        model, about = transformers.AutoModelForSequenceClassification.from_pretrained(
            source,
            dtype=dtype,
            output_loading_info=True,
            use_safetensors=True,
            trust_remote_code=trusted(),
            **outputs,
        )
        if adapter:
            peft = require("peft", "train")
            model = peft.PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    except (OSError, ValueError, RuntimeError) as error:
        raise unloadable(folder, error) from error
    if not adapter:
        _draw_head(model, about["missing_keys"], head, folder)
    loaded: PreTrainedModel = model.eval().to(device)
    return loaded


def _one(source: Path) -> dict[str, int]:
    """One output, where the config says nothing of outputs.

    Raises:
        ConfigError: its files have a head with several.
    """
    if not gives_scores(source):
        return {"num_labels": 1}
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    labels = len(config.get("id2label") or {0: "", 1: ""})
    if labels != 1:
        raise ConfigError(f"{source}: gives {labels} numbers; expected a model with one output")
    return {}


def _draw_head(model: Any, missing: Iterable[str], seed: int | None, folder: Path) -> None:
    """Values for what the files do not hold, all of it outside the body."""
    import torch

    names = sorted(missing)
    body = [name for name in names if name.startswith(f"{model.base_model_prefix}.")]
    if body or (names and seed is None):
        shown = ", ".join((body or names)[:3])
        raise EngineError(
            f"{folder}: its files hold no value for some of the model's weights ({shown}); save or "
            f"fetch the model again"
        )
    dice = torch.Generator().manual_seed(0 if seed is None else seed)
    spread = getattr(model.config.get_text_config(), "initializer_range", 0.02)
    for name in names:
        weight = model.get_parameter(name)
        with _whole(weight), torch.no_grad():
            if name.endswith("bias"):
                weight.zero_()
            elif weight.numel():
                drawn = torch.empty(weight.shape).normal_(0.0, spread, generator=dice)
                weight.copy_(drawn.to(weight.dtype))


def _whole(weight: Any) -> Any:
    """Under ZeRO-3 a weight lies in shards: gathered to be written, by the first process."""
    if not hasattr(weight, "ds_id"):
        return nullcontext()
    return require("deepspeed", "train").zero.GatheredParameters([weight], modifier_rank=0)


class RewardScorer:
    """Scores of whole texts, by plain forward passes."""

    def __init__(self, model: Path | str, settings: EngineSettings) -> None:
        """Raises ConfigError (no reward model there) or EngineError (it cannot be loaded)."""
        torch = require("torch", "train")
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        self.folder = model_folder.resolve(model)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model: Any = load_reward_model(self.folder, settings.dtype, device)
        self._pad = self._padding()

    def scores(self, texts: Sequence[Sequence[int]]) -> Iterator[tuple[int, float]]:
        """(place, the model's output) for each row of ids, prompt and response together, the
        longest first."""
        for places in batches([len(text) for text in texts]):
            values = self._pass([texts[place] for place in places])
            yield from zip(places, values, strict=True)

    def close(self) -> None:
        """Give the memory back. Safe to call twice."""
        self._model = None
        free()

    def _padding(self) -> int:
        """The padding id; the model finds the last token of a text by it."""
        text = self._model.config.get_text_config()
        if text.pad_token_id is None:
            tokenizer = model_folder.load_tokenizer(self.folder)
            own = tokenizer.pad_token_id
            text.pad_token_id = tokenizer.eos_token_id if own is None else own
        return int(text.pad_token_id)

    def _pass(self, rows: Sequence[Sequence[int]]) -> list[float]:
        import torch

        if self._model is None:
            raise EngineError(f"{self.folder}: this scorer is closed; open another one")
        width = max(len(row) for row in rows)
        ids = torch.tensor([[*row, *[self._pad] * (width - len(row))] for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
        device = self._model.device
        with torch.inference_mode():
            logits = self._model(input_ids=ids.to(device), attention_mask=mask.to(device)).logits
        values: list[float] = logits.float().squeeze(-1).tolist()
        return values
