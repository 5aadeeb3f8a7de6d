"""What a recipe or suite may say about a set of problems."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Labels = Literal["gold", "audit", "none"]
SourceName = Literal["gsm8k", "jsonl", "world"]


class Columns(BaseModel):
    """A file's names for what a problem has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = "id"
    question: str = "question"
    gold: str = "answer"
    solution: str = "solution"
    level: str = "level"
    subject: str = "subject"


class ProblemSpec(BaseModel):
    """A set of problems: loaded from a `source`, or cut out of another set (`of`).

    labels: gold, audit (the gold is for the report only) or none (it is not even loaded).
    file: a local file instead of the hub. columns: its names, where they differ.
    where, without, part (`k/n`), take: cut the set down, in this order. With a `salt` the order is
    a shuffle that depends on the salt and the ids alone, so a smaller `take` is a prefix of a
    larger one, and parts are disjoint; without, it is the source's order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: SourceName | None = None
    of: str | None = None
    split: str = "train"
    file: str | None = None
    columns: Columns = Columns()
    wording: Literal["seen", "held_out"] = "seen"
    labels: Labels | None = None
    where: dict[str, Any] = Field(default_factory=dict)
    without: tuple[str, ...] = ()
    part: str | None = None
    take: int | None = Field(None, ge=0)
    salt: int | str | None = None

    @field_validator("without", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("part")
    @classmethod
    def _k_of_n(cls, value: str | None) -> str | None:
        if value is not None:
            match = re.fullmatch(r"(\d+)/(\d+)", value)
            if not match or not 1 <= int(match[1]) <= int(match[2]):
                raise ValueError("expected k/n with 1 <= k <= n, for instance 1/2")
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> ProblemSpec:
        if (self.source is None) == (self.of is None):
            raise ValueError("give either 'source' or 'of'")
        if self.source == "jsonl" and self.file is None:
            raise ValueError("source jsonl needs a 'file'")
        if self.source == "world" and self.take is None:
            raise ValueError("source world makes as many problems as asked: give 'take'")
        return self
