"""What a trainer is built from: one training step with everything loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from peft import PeftConfig
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, slots=True)
class TrainPlaces:
    """Where a training step reads and writes.

    init: the model it starts from, a model folder or an adapter folder.
    ref: DPO's reference model; None: `init`.
    out: the folder the trained model appears in, whole or not at all.
    work: checkpoints and optimiser state; may be deleted once `out` is there.
    card: lines of provenance for the model card, name to value.
    """

    init: Path
    ref: Path | None
    out: Path
    work: Path
    card: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """The objects a TRL trainer takes. `longest`: tokens of the longest row."""

    model: PreTrainedModel
    reference: PreTrainedModel | None
    tokenizer: PreTrainedTokenizerBase
    rows: list[dict[str, list[int]]]
    peft_config: PeftConfig | None
    longest: int
