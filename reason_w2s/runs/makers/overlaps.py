"""Training problems that a suite asks too: found before any training, and a reason to stop."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.store import parts, read_parts, write_part
from reason_w2s.runs.tables import OVERLAPS
from reason_w2s.runs.work import Stopwatch, Work
from reason_w2s.stages.overlap import OverlapConfig, overlaps

SHOWN = 120
"""Characters of a question in a message."""


def find(work: Work) -> Item | None:
    """The overlaps, if these sets were compared before; `stops` where they stop the run."""
    key = _key(work)
    folder = work.store.folder("overlap", key)
    if not parts(folder):
        return None
    found = read_parts(folder, OVERLAPS).to_pylist()
    counts: dict[str, Any] = {
        "in": sum(item.counts["out"] for item in _sets(work)),
        "out": len(found),
        "overlapping": len({(row["set"], row["problem_id"]) for row in found}),
        "kinds": dict(Counter(row["kind"] for row in found)),
    }
    if found and not work.step.config["allow"]:
        counts["stops"] = _stop(work, counts, found[0])
    of = (*_sets(work), work.role("suite"))
    return Item(work.step.name, "overlap", "overlaps", key, key, of, counts=counts)


def make(work: Work) -> None:
    """Compare every training problem with the suite."""
    cfg = OverlapConfig.model_validate(work.settings("allow"))
    watch = Stopwatch(work.run)
    suite = rows.problems(work.store, work.role("suite"))
    found = [
        {"set": item.digest, **asdict(one)}
        for item in _sets(work)
        for one in overlaps(rows.problems(work.store, item), suite, cfg)
    ]
    with work.store.locked("overlap", _key(work)) as folder:
        if not parts(folder):
            write_part(folder, found, OVERLAPS, watch.lap())


def _sets(work: Work) -> list[Item]:
    """The sets, one that goes by several names once: recipes used by this one share theirs."""
    found: dict[str, Item] = {}
    for item in work.of:
        found.setdefault(item.digest, item)
    return list(found.values())


def _key(work: Work) -> str:
    sets = sorted(item.digest for item in _sets(work))
    return work.key(work.settings("allow"), sets, work.role("suite").digest)


def _stop(work: Work, counts: dict[str, Any], row: dict[str, Any]) -> str:
    taught = next(item for item in work.of if item.digest == row["set"])
    problem = next(one for one in rows.problems(work.store, taught) if one.id == row["problem_id"])
    suite = work.step.name.removeprefix("overlap/")
    kinds = ", ".join(f"by {kind} {count:,}" for kind, count in counts["kinds"].items())
    question = " ".join(problem.question.split())[:SHOWN]
    return (
        f"{counts['overlapping']:,} of {counts['in']:,} training problems are asked by {suite} too "
        f"({kinds}), such as {row['problem_id']} of {taught.step} and {row['suite_id']}: "
        f"'{question}'; read them (show RUN {work.step.name}), leave them out (problems."
        f"{taught.step}.without: suites/{suite}), or say evaluate: {{overlap: allow}}"
    )
