"""The checks there are. One literal table, in the order their results are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import MappingProxyType

from reason_w2s.doctor import (
    asked,
    batch,
    engines,
    learned,
    lengths,
    reach,
    rollouts,
    room,
    scored,
    versions,
)
from reason_w2s.doctor.case import Case
from reason_w2s.doctor.finding import Said

Check = Callable[[Case], Iterator[Said]]

CHECKS: MappingProxyType[str, Check] = MappingProxyType(
    {
        "models are there": reach.models,
        "problem sets are there": reach.problems,
        "imported traces are there": reach.imports,
        "rows teach whole answers": learned.rows,
        "answers end": learned.ends,
        "no marks as text": learned.marks,
        "tokenizers": learned.tokenizers,
        "rollouts fit and can be judged": rollouts.asked,
        "teachers have the student's tokens": rollouts.vocabularies,
        "models compared token by token share their tokens": scored.vocabularies,
        "measured as trained": asked.measured,
        "sampled as trained": asked.sampled,
        "rows fit": lengths.limits,
        "pairs differ in more than length": lengths.pairs,
        "enough examples": batch.enough,
        "batches divide": batch.batches,
        "engines hold their models": engines.sizes,
        "memory": room.memories,
        "memory of scores": scored.memories,
        "disk": room.disk,
        "versions": versions.versions,
    }
)
