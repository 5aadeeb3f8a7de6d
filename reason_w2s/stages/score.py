"""Score traces under models: a number per trace, per step and per token, as the kind has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from reason_w2s.answers.steps import By, holding, split
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.prompts import Prompt
from reason_w2s.records import Row

KindName = Literal["logprobs", "ranks", "contrast", "implicit", "reward"]
LAST_RANK = 100
"""Every rank beyond counts as this one in the rank-surprisal ratio, as in the code published with
it."""
Values = tuple[float, ...]
"""What the passes measured at one token, in their order."""


class ScoreConfig(BaseModel):
    """What a trace is scored by.

    kind: a row of `KINDS`. beta: of kinds that have one; None: the kind's own. split: how a trace
    is cut into steps (`answers.steps`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: KindName
    beta: float | None = Field(None, gt=0)
    split: By = "auto"

    @model_validator(mode="after")
    def _beta_has_a_use(self) -> ScoreConfig:
        if self.beta is not None and self.by.beta is None:
            raise ValueError(f"beta: kind: {self.kind} has none; remove it")
        return self

    @property
    def by(self) -> Kind:
        """What the kind is."""
        return KINDS[self.kind]

    @property
    def factor(self) -> float:
        """Beta, the kind's own where none is said; 1 for a kind without."""
        return self.beta or self.by.beta or 1.0


class Measured(NamedTuple):
    """What one pass says of a trace.

    values: `[M, T]`, each measure at each token; of a scorer of whole traces [[value]]. ends: where
    in the text each token ends, in characters; None: of a whole trace.
    """

    values: list[list[float]]
    ends: list[int] | None = None


class Opening(NamedTuple):
    """A model to be opened: the step that makes it, its folder, settings and prompt."""

    name: str
    folder: Path
    settings: EngineSettings
    prompt: Prompt


class RowScorer(Protocol):
    """Models opened to measure traces. vocabulary: a mark of what its tokens are."""

    vocabulary: str | None

    def measured(self, rows: Sequence[Row]) -> Iterator[tuple[int, Measured | None]]:
        """(place in `rows`, what is measured) in any order; None: it cannot be scored."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


class Kind(NamedTuple):
    """A kind of score.

    passes: roles whose models are in memory together, one pass over the traces after another.
    opens: "module:function", from a pass's models, their settings and the step's config to a
    `RowScorer`. token: a token's score from its values and beta. over: the score of a trace or step
    from the scores and the values of its tokens; None where it has none. beta: its default.
    """

    passes: tuple[tuple[str, ...], ...]
    opens: str
    token: Callable[[Values, float], float]
    over: Callable[[Sequence[float], Sequence[Values]], float | None]
    beta: float | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        """All models it needs."""
        return tuple(role for several in self.passes for role in several)


def _first(values: Values, beta: float) -> float:
    return values[0]


def _log_ratio(values: Values, beta: float) -> float:
    return beta * (values[0] - values[1])


def _sum(scores: Sequence[float], values: Sequence[Values]) -> float:
    return sum(scores)


def _mean(scores: Sequence[float], values: Sequence[Values]) -> float | None:
    return sum(scores) / len(scores) if scores else None


def _rank_per_surprisal(scores: Sequence[float], values: Sequence[Values]) -> float | None:
    surprisal = sum(nll for _, nll in values)
    return sum(min(rank, LAST_RANK) for rank in scores) / surprisal if surprisal else None


TOKENS = "reason_w2s.stages.scoring:open_tokens"
WHOLE = "reason_w2s.stages.rewarding:open_rewards"
KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "logprobs": Kind((("model",),), TOKENS, _first, _sum),
        "ranks": Kind((("model",),), TOKENS, _first, _rank_per_surprisal),
        "contrast": Kind((("positive", "negative"),), TOKENS, _first, _mean, beta=1.0),
        "implicit": Kind((("model",), ("ref",)), TOKENS, _log_ratio, _sum, beta=0.05),
        "reward": Kind((("model",),), WHOLE, _first, _sum),
    }
)
"""By the name under `kind`. A response's tokens are those that training learns: as sampled where
they are known, and with the end token where it ended by itself; they are asked for as the first
role's model is.

logprobs: tokens are log p(y_t), nats; steps and value their sums. `-tokens.mean` is the surprisal.
ranks: tokens are ranks, 1 the likeliest; steps and value are mean rank, those beyond `LAST_RANK`
as that, over mean -log p, per nat (the rank-surprisal ratio, arXiv 2601.14249: low suits).
contrast: tokens are softmax((1 + beta) z_positive - beta z_negative)[y_t]; steps and value their
means. Low ones are critical (arXiv 2411.19943, whose code has beta 1).
implicit: tokens are beta (log p - log p_ref)(y_t), nats; steps and value their sums (the implicit
process reward, arXiv 2412.01981, which trains with beta 0.05).
reward: value is the one output of a sequence-classification model; it has no steps and tokens."""


def score(
    row: Row, passes: Sequence[Measured | None], cfg: ScoreConfig, vocabulary: str | None
) -> dict[str, Any]:
    """The columns of one trace from what each pass measured; all None where one could not.

    value: of the trace. steps: of each step, None for one without a token of its own. tokens: of
    each token. ends: where in the text each token ends, in characters. vocabulary: a mark of what
    the tokens are. A token is of the step that holds its last character, the end token of the last.
    """
    known = [one for one in passes if one is not None]
    if len(known) < len(passes):
        return {"key": row.trace.key, **dict.fromkeys(COLUMNS)}
    ends, by = known[-1].ends, cfg.by
    if ends is None:
        (value,) = known[0].values[0]
        return {"key": row.trace.key, **dict.fromkeys(COLUMNS), "value": value}
    values = list(zip(*(line for one in known for line in one.values), strict=True))
    tokens = [by.token(one, cfg.factor) for one in values]
    steps = split(row.trace.text, cfg.split)
    parts: list[list[int]] = [[] for _ in steps]
    for place, end in enumerate(ends if steps else ()):
        parts[holding(steps, max(end - 1, 0))].append(place)
    return {
        "key": row.trace.key,
        "value": by.over(tokens, values),
        "steps": [by.over([tokens[i] for i in part], [values[i] for i in part]) for part in parts],
        "tokens": tokens,
        "ends": ends,
        "vocabulary": vocabulary,
    }


COLUMNS = ("value", "steps", "tokens", "ends", "vocabulary")
