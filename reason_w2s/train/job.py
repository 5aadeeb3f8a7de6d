"""A training step on its way to a trainer: where it reads and writes, and all it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from reason_w2s.prompts import Prompt
from reason_w2s.train.config import TrainProfile, TrainSettings
from reason_w2s.train.terms import Term

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TrainPlaces:
    """Where a training step reads and writes.

    init: the model it starts from, a model folder or an adapter folder.
    ref: DPO's reference model; None: `init`.
    out: the folder the trained model appears in, whole or not at all.
    work: checkpoints and optimiser state; may be deleted once `out` is there.
    card: lines of provenance for the model card, name to value.
    rendered: where the files for `accelerate launch` are kept; None: in `work`.
    optimizer: the optimiser state that goes on, as an earlier training left it.
    teacher: the model whose distributions the objective follows, if it does.
    """

    init: Path
    ref: Path | None
    out: Path
    work: Path
    card: Mapping[str, str] = field(default_factory=dict)
    rendered: Path | None = None
    optimizer: Path | None = None
    teacher: Path | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """A training step that was checked and prepared, ready for one process or several.

    start: the folder of whole weights it starts from. resume: the checkpoint it goes on from.
    adapter: the LoRA adapter on `start` that goes on being trained; None: a new one, if any.
    """

    settings: TrainSettings
    profile: TrainProfile
    places: TrainPlaces
    prompt: Prompt
    seed: int
    start: Path
    resume: Path | None
    adapter: Path | None = None

    def to_json(self) -> str:
        """As JSON, for the processes that `accelerate launch` starts."""
        return TypeAdapter(Task).dump_json(self, indent=1).decode()

    @staticmethod
    def from_json(text: str) -> Task:
        """The reverse of `to_json`."""
        return TypeAdapter(Task).validate_json(text)


@dataclass(frozen=True, slots=True)
class Job:
    """The objects a TRL trainer is made from. `config` is one of TRL's for the objective."""

    config: Any
    model: PreTrainedModel | PeftModel
    reference: PreTrainedModel | None
    tokenizer: PreTrainedTokenizerBase
    rows: Rows
    peft_config: PeftConfig | None
    loss: Term | None
    task: Task
    teacher: PreTrainedModel | None = None
