"""Numbers that are fitted to records: the rate of flipped pairs."""

from __future__ import annotations

from typing import Any

from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.store import parts, read_parts, write_part
from reason_w2s.runs.tables import JUDGED, digest
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.noise import Judged, NoiseConfig, judge, measure, said, too_little


def find(work: Work) -> Item | None:
    """The measured rate, if it was measured before on the same pairs; `stops` where it is too
    little known and the recipe names no other."""
    key = _key(work)
    folder = work.store.folder("noise", key)
    if not parts(folder):
        return None
    cfg = NoiseConfig.model_validate(work.step.config)
    found = [Judged(**row) for row in read_parts(folder, JUDGED).to_pylist()]
    counts: dict[str, Any] = measure(found)
    counts["said"] = said(counts)
    why = too_little(counts, cfg)
    counts["taken"] = counts["rate"] if why is None else cfg.otherwise
    if why is not None:
        counts["said"] = f"{why}: {cfg.otherwise} is taken, as the recipe says"
        if cfg.otherwise is None:
            counts["said"], counts["stops"] = why, f"{why}; audit more problems (a larger take)"
    mark = digest("noise", counts["taken"])
    return Item(work.step.name, "noise", "fitted", key, mark, work.of, counts=counts)


def make(work: Work) -> None:
    """Look up the truth of both sides of every pair."""
    cfg = NoiseConfig.model_validate(work.step.config)
    watch = Stopwatch(work.run)
    found = [
        {"problem_id": one.problem_id, "chosen": one.chosen, "rejected": one.rejected}
        for item in work.of
        for one in judge(*rows.pairs(work.store, item), cfg)
    ]
    with work.store.locked("noise", _key(work)) as folder:
        if not parts(folder):
            write_part(folder, found, JUDGED, watch.lap())


def _key(work: Work) -> str:
    """By the pairs, and by all that says what is true of them."""
    seen = [one.digest for item in work.of for one in item.lineage()]
    return work.key(work.settings("least", "otherwise"), seen)
