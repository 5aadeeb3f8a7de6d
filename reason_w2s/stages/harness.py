"""Tasks of lm-evaluation-harness: what a suite says of them, and one task as a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

SAMPLING = (
    "do_sample",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
    "max_gen_toks",
    "max_new_tokens",
    "max_tokens",
    "max_length",
    "min_tokens",
    "num_beams",
    "until",
    "seed",
)
"""What `gen_kwargs` may say."""


class HarnessSettings(BaseModel):
    """How lm-eval runs a task; None is lm-eval's own choice or the task's.

    num_fewshot: a task that fixes it at 0 keeps 0, as in lm-eval. limit: the first so many
    documents of each task. apply_chat_template: `auto` where the checkpoint has a template.
    batch_size: of the hf backend (None: 16); vLLM fills its own. gen_kwargs: over the task's
    generation_kwargs. include_path: a folder of one's own task files. metric, filter: what counts
    as right, by names of the task's own, yes or no for every document; None: its first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    num_fewshot: int | None = Field(None, ge=0)
    limit: int | None = Field(None, ge=1)
    apply_chat_template: bool | Literal["auto"] = False
    fewshot_as_multiturn: bool = True
    batch_size: int | None = Field(None, ge=1)
    gen_kwargs: dict[str, Any] = {}
    include_path: str | None = None
    metric: str | None = None
    filter: str | None = None

    @field_validator("gen_kwargs")
    @classmethod
    def _settings_alone(cls, value: dict[str, Any]) -> dict[str, Any]:
        """transformers' generate also takes the name of code to generate with."""
        for name in value:
            if name not in SAMPLING:
                raise ValueError(f"'{name}' is not one of {', '.join(SAMPLING)}")
        return value


class HarnessSuite(HarnessSettings):
    """A suite of lm-eval's tasks or groups, by its names for them (`lm_eval: [ifeval, mmlu]`)."""

    lm_eval: tuple[str, ...] = Field(min_length=1)

    def steps(self, suite: str) -> Iterator[tuple[str, HarnessConfig]]:
        """(what it is called, settings) of each task: the suite's name, where it has one task."""
        settings = self.model_dump(exclude={"lm_eval"})
        for task in self.lm_eval:
            name = suite if len(self.lm_eval) == 1 else f"{suite}/{task}"
            yield name, HarnessConfig(task=task, **settings)


class HarnessConfig(HarnessSettings):
    """One task or group of lm-eval on one model."""

    task: str
