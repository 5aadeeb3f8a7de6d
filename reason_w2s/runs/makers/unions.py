"""Several steps' records under one name. Nothing is copied."""

from __future__ import annotations

from reason_w2s.runs.items import Item
from reason_w2s.runs.tables import digest
from reason_w2s.runs.work import Work


def find(work: Work) -> Item | None:
    """Always there: the items it joins are."""
    joined = digest("union", [item.digest for item in work.of])
    out = sum(item.counts["out"] for item in work.of)
    counts = {"in": out, "out": out}
    return Item(work.step.name, "union", work.step.kind, "", joined, work.of, counts=counts)


def make(work: Work) -> None:
    """Nothing to make."""
    raise AssertionError(f"a union is never missing: {work.step.name}")
