"""What a recipe file and a suite file may hold."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from reason_w2s.engines.client import is_url
from reason_w2s.engines.protocols import Sampling
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.prompts import Prompt
from reason_w2s.stages.check import CheckConfig
from reason_w2s.stages.overlap import OverlapConfig

Dtype = Literal["float32", "bfloat16", "float16"]


def _unusable(path: str) -> str | None:
    """Why a model's path is none; None: it may be one. The path itself may hold a password."""
    if not path:
        return "is empty; expected a folder, a hub name or an endpoint's address"
    if "://" in path and not is_url(path):
        return "expected a folder, a hub name, or an address that begins with http:// or https://"
    return None


class ModelSpec(BaseModel):
    """Where a model comes from, and how it is asked.

    path: a Hugging Face folder (full model or LoRA adapter) or hub name, or the address of an
    OpenAI-compatible endpoint, such as http://localhost:8000/v1: such a model can be sampled, not
    trained. served: its name there (None: the endpoint has but one). tokenizer: the folder or hub
    name of its tokenizer: prompts are then sent as token ids, and can have chat turns. revision: of
    a hub's repository; for an endpoint any word: another one is another model under the same name.
    world: a tiny base model pretrained on the procedural world, `weak`, `strong` or its settings.
    scratch: a tiny model with random weights and a byte-level tokenizer learned from a problem
    set's questions (`of`).
    prompt: a shipped prompt's name, one of the recipe's own, or a prompt; None: the one saved in
    the checkpoint. dtype: None: as the checkpoint says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str | None = None
    revision: str | None = None
    served: str | None = None
    tokenizer: str | None = None
    world: str | dict[str, Any] | None = None
    scratch: dict[str, Any] | None = None
    prompt: str | Prompt | None = None
    dtype: Dtype | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> ModelSpec:
        given = [name for name in ("path", "world", "scratch") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give exactly one of 'path', 'world', 'scratch'")
        if self.path is not None and _unusable(self.path) is not None:
            raise ValueError(f"path: {_unusable(self.path)}")
        if self.path is None and self.dtype is not None:
            raise ValueError("dtype is for models with a 'path'; scratch takes its own inside")
        if self.at_endpoint and self.dtype is not None:
            raise ValueError("dtype is the endpoint's business; remove it")
        if not self.at_endpoint and (self.served or self.tokenizer) is not None:
            raise ValueError("served and tokenizer are for a 'path' like http://localhost:8000/v1")
        return self

    @property
    def at_endpoint(self) -> bool:
        """Whether an endpoint has it, rather than a folder or the hub."""
        return self.path is not None and is_url(self.path)


class SuiteSpec(BaseModel):
    """How a checkpoint is measured: problems, sampling, how answers are compared.

    prompt: None asks each model with its own. overlap: what of a training problem is this suite's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    problems: ProblemSpec
    sampling: Sampling = Sampling(temperature=0.0)
    check: CheckConfig = CheckConfig()
    prompt: str | Prompt | None = None
    overlap: OverlapConfig = OverlapConfig()

    @field_validator("problems")
    @classmethod
    def _some(cls, value: ProblemSpec) -> ProblemSpec:
        if value.take == 0:
            raise ValueError("take: 0 leaves no problem to measure on; take 1 or more, or all")
        return value

    @field_validator("sampling", mode="before")
    @classmethod
    def _greedy(cls, value: Any) -> Any:
        """Greedy unless it says otherwise, also where it says something else of sampling."""
        return {"temperature": 0.0, **value} if isinstance(value, dict) else value


class Gap(BaseModel):
    """How much of a gap was recovered, by names under `evaluate.models`.

    With `ceiling`: (reached - start) / (ceiling - start), where start is `floor` (the weak teacher:
    PGR) or `base` (the untrained student: RGR where the ceiling was trained by RL, else the share
    of the gold-SFT gain). Without: reached - start. ceiling_by: how a ceiling over a base was
    trained; None: as the recipe's own training of it says, which a model from elsewhere lacks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    floor: str | None = None
    base: str | None = None
    reached: str
    ceiling: str | None = None
    ceiling_by: Literal["rl", "gold_sft"] | None = None

    @model_validator(mode="after")
    def _one_start(self) -> Gap:
        if (self.floor is None) == (self.base is None):
            raise ValueError("give either 'floor' (the teacher) or 'base' (the untrained student)")
        if self.ceiling_by is not None and (self.base is None or self.ceiling is None):
            raise ValueError("ceiling_by says what a 'ceiling' over a 'base' is; remove it")
        return self

    @property
    def start(self) -> str:
        """The model whose accuracy counts as 0."""
        return self.floor or self.base or ""

    @property
    def models(self) -> dict[str, str]:
        """The models it speaks of, by key."""
        named = {role: getattr(self, role) for role in ("floor", "base", "reached", "ceiling")}
        return {role: name for role, name in named.items() if name is not None}


class Controls(BaseModel):
    """The models without which a gain means little, by names under `evaluate.models`.

    headroom: the untrained student asked to think. own_gold: the student trained on the little gold
    that the teacher had. self_distilled: the teacher trained on its own traces. What is None shows
    as not measured.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    headroom: str | None = None
    own_gold: str | None = None
    self_distilled: str | None = None


class Evaluate(BaseModel):
    """What is measured: `suites` x named `models`; paired comparisons `[a, b]`; gaps, controls.

    selections: select steps that take one trace per problem of a set made from a suite: each is
    measured on that suite beside the models, with what it chose from (`first`, `oracle`).
    resampling: select steps, without `take`, that keep what a verifier accepts of such traces: what
    sampling until it accepts is worth, over the number of attempts.
    overlap: what happens when a measured model rests on training with a suite's problems: `refuse`
    stops the run before any training, `allow` shows counts and examples in the report.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    suites: tuple[str, ...] = ()
    models: dict[str, str] = Field(default_factory=dict)
    selections: dict[str, str] = Field(default_factory=dict)
    resampling: dict[str, str] = Field(default_factory=dict)
    compare: tuple[tuple[str, str], ...] = ()
    gaps: dict[str, Gap] = Field(default_factory=dict)
    controls: Controls = Controls()
    overlap: Literal["refuse", "allow"] = "refuse"


class SweptCell(BaseModel):
    """Which combination of a sweep's values a recipe is. roles: what each variable is: the recipe's
    seed, the seed of a stratum (of what is made once for several recipe seeds), or a setting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: dict[str, Any]
    roles: dict[str, Literal["seed", "stratum", "setting"]]


class Recipe(BaseModel):
    """A recipe, before expansion. Models, problems and steps share one namespace.

    cell: written by a sweep, not by hand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=120)
    seed: int = 0
    prompts: dict[str, Prompt] = Field(default_factory=dict)
    models: dict[str, ModelSpec] = Field(default_factory=dict)
    problems: dict[str, ProblemSpec] = Field(default_factory=dict)
    steps: dict[str, dict[str, Any]] = Field(default_factory=dict)
    suites: dict[str, dict[str, Any]] = Field(default_factory=dict)
    evaluate: Evaluate = Evaluate()
    cell: SweptCell | None = None

    @field_validator("models", mode="before")
    @classmethod
    def _path_shorthand(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {k: {"path": v} if isinstance(v, str) else v for k, v in value.items()}
