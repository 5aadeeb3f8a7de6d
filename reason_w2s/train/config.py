"""What a recipe may say about a training step. No torch here: recipes are read without it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from reason_w2s.answers import Kind
from reason_w2s.records import Problem
from reason_w2s.train.objectives import OBJECTIVES, Learns, Name, Objective
from reason_w2s.train.terms import LossTerm, misfit


class Lora(BaseModel):
    """A LoRA adapter, in peft's words. `targets` "all_linear" is peft's "all-linear"."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    r: int = Field(32, ge=1)
    alpha: int = Field(64, ge=1)
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: Literal["all_linear"] | tuple[str, ...] = "all_linear"


class RewardSettings(BaseModel):
    """The checker as a reward: 1 for a right answer, 0 for a wrong one or none.

    `kind` and `rel_tol` are those of `answers.check`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind = "auto"
    rel_tol: float = Field(0.0, ge=0, lt=1)


class TrainSettings(BaseModel):
    """One training step.

    batch: examples per optimiser update, over all processes; completions, where the objective
    samples while it trains.
    updates: optimiser updates; None leaves the length to `trainer.num_train_epochs`.
    trainer: passed through to TRL's config of the objective, less the keys that a recipe or profile
    owns (see `train.arguments`).
    loss: a loss that TRL lacks, in place of the objective's own.
    min_examples: fewer examples than this stop the run; 0: with none the model stays as it is.
    keep_optimizer: the optimiser's state (Adam's moments and its count of updates) of the training
    that made the model it starts from goes on; the learning rate's schedule is of this step's own
    updates. save_optimizer: leave that state for a step that goes on; a recipe's plan says it.
    reward: how completions are judged, by objectives that need it: `check`, or settings of it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    objective: Name
    batch: int = Field(16, ge=1)
    updates: int | None = Field(None, ge=1)
    lora: Lora | None = None
    dtype: Literal["float32", "bfloat16"] = "float32"
    min_examples: int = Field(1, ge=0)
    keep_optimizer: bool = False
    save_optimizer: bool = False
    reward: RewardSettings | None = None
    trainer: dict[str, Any] = Field(default_factory=dict)
    loss: LossTerm | None = None

    @model_validator(mode="after")
    def _loss_fits(self) -> TrainSettings:
        if self.loss is not None:
            wrong = misfit(self.loss, self.objective, self.trainer)
            if wrong is not None:
                raise ValueError(wrong)
        return self

    @field_validator("reward", mode="before")
    @classmethod
    def _checker(cls, value: Any) -> Any:
        if isinstance(value, str) and value != "check":
            raise ValueError("expected check, or its settings such as {kind: number}")
        return {} if value == "check" else value

    @property
    def by(self) -> Objective:
        """What the objective is."""
        return OBJECTIVES[self.objective]

    @property
    def group(self) -> int:
        """Completions of each problem that are sampled while it trains; 0: none are."""
        return int(self.trainer.get("num_generations", self.by.group))

    @property
    def longest(self) -> int:
        """Tokens of the longest completion; 512 is TRL's default."""
        return int(self.trainer.get("max_completion_length") or 512)

    @property
    def generation(self) -> int:
        """Completions sampled at once, over all processes: those of one update or of several."""
        return int(self.trainer.get("generation_batch_size") or self.batch)

    @property
    def reused(self) -> int:
        """Updates that each completion takes part in."""
        return int(self.trainer.get("num_iterations", 1))

    @property
    def packing(self) -> bool:
        """Whether TRL joins examples to rows, so that `batch` counts rows."""
        return bool(self.trainer.get("packing", False))


class TrainProfile(BaseModel):
    """Where a training step runs: never changes what is learned.

    processes: GPUs, or processes on CPU, on all machines together; more than one start by
    `accelerate launch`. machines: nodes of a Slurm job, which have equally many each.
    zero_stage: DeepSpeed's: 1 shards optimiser state, 2 gradients too, 3 weights too; 0: no
    DeepSpeed. offload: what DeepSpeed keeps in CPU memory, `optimizer` state or `all` (with ZeRO-3
    the weights too).
    micro_batch: examples per process and forward pass; accumulation is derived from the recipe's
    `batch`, and a batch that does not divide is an error.
    rollouts: what samples where the objective samples while it trains: transformers' `generate`, or
    vLLM in the training processes, which takes `rollout_memory` of each GPU.
    save_updates: optimiser updates between checkpoints; None: at most ten per run, and on one
    process none within a minute of the last.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Literal["cpu", "cuda"] = "cpu"
    processes: int = Field(1, ge=1)
    machines: int = Field(1, ge=1)
    zero_stage: Literal[0, 1, 2, 3] = 0
    offload: Literal["none", "optimizer", "all"] = "none"
    micro_batch: int | None = Field(None, ge=1)
    gradient_checkpointing: bool = False
    rollouts: Literal["generate", "vllm"] = "generate"
    rollout_memory: float = Field(0.3, gt=0, lt=1)
    save_updates: int | None = Field(None, ge=1)
    report_to: str = "none"
    threads: int | None = Field(None, ge=1)

    @property
    def launched(self) -> bool:
        """Whether training runs in processes of its own, by `accelerate launch`."""
        return self.processes > 1 or self.zero_stage > 0

    @property
    def processes_each(self) -> int:
        """Processes on one machine."""
        return self.processes // self.machines

    @model_validator(mode="after")
    def _machines_are_alike(self) -> TrainProfile:
        if self.processes % self.machines:
            raise ValueError(
                f"processes {self.processes} do not divide over machines: {self.machines}; "
                "expected a multiple, each machine has as many"
            )
        return self

    @model_validator(mode="after")
    def _offload_has_a_stage(self) -> TrainProfile:
        needed = {"none": 0, "optimizer": 1, "all": 3}[self.offload]
        if self.zero_stage < needed:
            raise ValueError(f"offload: {self.offload} needs zero_stage {needed} or more")
        return self

    @model_validator(mode="after")
    def _vllm_has_a_gpu(self) -> TrainProfile:
        if self.rollouts == "vllm" and self.device == "cpu":
            raise ValueError(
                "rollouts: vllm needs device: cuda (vLLM for CPUs cannot take new weights); "
                "use rollouts: generate"
            )
        return self


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to learn from. `ends`: it stopped by itself, so the end token is learned too.

    `token_ids`, where known, are the ids as sampled, without the end token; they are used if they
    decode to `text` under the student's tokenizer.
    """

    text: str
    token_ids: tuple[int, ...] | None = None
    ends: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """One SFT example: the loss is on the answer alone."""

    problem: Problem
    answer: Answer


@dataclass(frozen=True, slots=True)
class TokenScores:
    """A score for each token that is learned of an answer. vocabulary: what the tokens are."""

    values: tuple[float, ...]
    vocabulary: str


@dataclass(frozen=True, slots=True)
class PairExample:
    """One preference. scores: of the rejected answer's tokens, where the loss weighs them."""

    problem: Problem
    chosen: Answer
    rejected: Answer
    scores: TokenScores | None = None


@dataclass(frozen=True, slots=True)
class VerdictExample:
    """One answer, and whether it is wanted."""

    problem: Problem
    answer: Answer
    wanted: bool


@dataclass(frozen=True, slots=True)
class ValueExample:
    """One answer, and the number that a scorer should give it."""

    problem: Problem
    answer: Answer
    value: float


Data = (
    Sequence[Example]
    | Sequence[PairExample]
    | Sequence[VerdictExample]
    | Sequence[ValueExample]
    | Sequence[Problem]
)
EXAMPLES: Mapping[Learns, type[Any]] = {
    "answers": Example,
    "pairs": PairExample,
    "verdicts": VerdictExample,
    "values": ValueExample,
    "problems": Problem,
}


@dataclass(frozen=True, slots=True)
class TrainStats:
    """What a training step did.

    tokens: those with loss, counted once per pass over them; of completions sampled while training,
    all tokens, counted once per update they took part in. generated: tokens of those completions.
    """

    examples: int
    updates: int
    tokens: int
    seconds: float
    peak_memory_mib: float
    log: list[dict[str, float]] = field(default_factory=list)
    generated: int = 0


OPTIMIZER = "optimizer"
"""The folder of the optimiser state that a training leaves."""

Progress = Callable[[int, int], None]
"""Called with (done, total) as work proceeds; the unit is the caller's."""
