"""What a step yields, as a reference into the store: small, JSON, enough to read it back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from reason_w2s.prompts import Prompt
from reason_w2s.stages.table import Kind


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model on disk. `fingerprint` is of its content; `prompt` is how it is asked.

    served: its name at an endpoint, whose address `path` then is; there nobody knows its content,
    and `fingerprint` is of what the endpoint says of it. tokenizer: the folder of the tokenizer its
    prompts are made with, where that is not `path`.
    """

    path: str
    fingerprint: str
    prompt: Mapping[str, Any] | None
    dtype: str
    served: str | None = None
    tokenizer: str | None = None

    def asked(self) -> Prompt:
        """The prompt as an object."""
        assert self.prompt is not None, self.path
        return Prompt.model_validate(self.prompt)


@dataclass(frozen=True, slots=True)
class Item:
    """One step's result.

    key: its folder in the store, under `stage`. digest: changes when its content does, and is what
    later steps are keyed by. of: the items its records come from. extent: how much of a growing
    table it is (`n`, `max_tokens`, `model`). counts: what went in, came out and was dropped.
    """

    step: str
    stage: str
    kind: Kind
    key: str
    digest: str
    of: tuple[Item, ...] = ()
    extent: Mapping[str, Any] = field(default_factory=dict)
    model: ModelRef | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self, *, named: bool = False) -> dict[str, Any]:
        """As JSON; the items it comes from whole, or `named` by their steps."""
        data = asdict(self)
        if named:
            data["of"] = [item.step for item in self.of]
        return data

    @staticmethod
    def from_json(data: Mapping[str, Any], known: Mapping[str, Item] | None = None) -> Item:
        """The reverse of `to_json`; `known` holds the items that `of` names."""
        values = dict(data)
        values["of"] = tuple(
            Item.from_json(one) if known is None else known[one] for one in data["of"]
        )
        values["model"] = None if data["model"] is None else ModelRef(**data["model"])
        return Item(**values)

    def lineage(self) -> Iterator[Item]:
        """This item and all that its records come from."""
        yield self
        for parent in self.of:
            yield from parent.lineage()

    def reference(self) -> ModelRef:
        """The model this item is."""
        assert self.model is not None, self.step
        return self.model

    def folder(self) -> Path:
        """The model's folder."""
        return Path(self.reference().path)
