"""Draw responses: one request per sample, each with a seed of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict

from reason_w2s.engines.protocols import Completion, Request, Sampler, Sampling
from reason_w2s.prompts import Rendered
from reason_w2s.records import Problem, Trace


class SampleConfig(BaseModel):
    """`sampling`, in vLLM's words. The prompt's stop strings are added to its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sampling: Sampling = Sampling()


def derive_seed(seed: int, problem_id: str, index: int) -> int:
    """A sample's own seed, so that neither order, batch nor sharding changes a text."""
    digest = hashlib.sha256(f"{seed}:{problem_id}:{index}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def trace_key(identity: str, problem: Problem, index: int) -> str:
    """A trace's identity: what made it (`identity`: engine, model, prompt, settings, seed), the
    question, and which sample it is."""
    asked = hashlib.sha256(problem.question.encode()).hexdigest()[:16]
    text = f"{identity}:{problem.id}:{asked}:{index}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def requests(
    wanted: Iterable[tuple[Problem, Rendered, int]], sampling: Sampling, identity: str, seed: int
) -> Iterator[Request]:
    """One request per (problem, its rendered prompt, sample index)."""
    for problem, rendered, index in wanted:
        yield Request(
            key=trace_key(identity, problem, index),
            rendered=rendered,
            sampling=sampling,
            seed=derive_seed(seed, problem.id, index),
            problem=problem,
        )


def sample(
    wanted: Iterable[Request], sampler: Sampler, *, model: str, indices: dict[str, int]
) -> Iterator[Trace]:
    """Traces as they finish. `indices`: request key -> sample index."""
    asked: dict[str, Request] = {}

    def remember() -> Iterator[Request]:
        for request in wanted:
            asked[request.key] = request
            yield request

    for completion in sampler.sample(remember()):
        yield _trace(asked.pop(completion.key), completion, model, indices[completion.key])


def _trace(request: Request, completion: Completion, model: str, index: int) -> Trace:
    assert request.problem is not None, request.key
    return Trace(
        key=request.key,
        problem_id=request.problem.id,
        model=model,
        index=index,
        text=completion.text,
        finish_reason=completion.finish_reason,
        n_prompt=completion.n_prompt,
        n_tokens=completion.n_tokens,
        max_tokens=request.sampling.max_tokens,
        token_ids=completion.token_ids,
    )
