"""What an engine must be able to do: sample, and score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from reason_w2s.prompts import Rendered
from reason_w2s.records import FinishReason, Problem

EngineName = Literal["vllm", "hf", "server", "fake"]


class Sampling(BaseModel):
    """Sampling settings, in vLLM's words. All are always sent: no engine's default is trusted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n: int = Field(1, ge=1)
    temperature: float = Field(1.0, ge=0)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0)
    min_p: float = Field(0.0, ge=0, le=1)
    repetition_penalty: float = Field(1.0, gt=0)
    max_tokens: int = Field(1024, ge=1)
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """One response to be drawn. `problem` is for the fake engine alone; real ones ignore it."""

    key: str
    rendered: Rendered
    sampling: Sampling
    seed: int
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """One response drawn. Failures are data: `finish_reason` "error", the message in `text`.

    `token_ids` are the exact ids sampled, without the end token that may have closed them; where a
    stop string ended the response they still spell it. `text` contains neither. `n_tokens` counts
    `token_ids`, `n_prompt` the prompt's.
    """

    key: str
    text: str
    token_ids: tuple[int, ...] | None
    finish_reason: FinishReason
    n_prompt: int
    n_tokens: int


class Sampler(Protocol):
    """Draws responses."""

    def sample(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Completions in the order they finish, one for each request."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


class Scorer(Protocol):
    """Says how likely given tokens are."""

    def logprobs(
        self, sequences: Sequence[tuple[Sequence[int], Sequence[int]]]
    ) -> list[list[float]]:
        """For each (prompt ids, completion ids): a log-probability (nats) per completion token."""
        ...
