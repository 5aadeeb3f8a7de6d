"""A run's traces for the viewer: which are shown, and all that its steps said and did to each."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from reason_w2s.records import Problem, Row
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import read_parts
from reason_w2s.runs.tables import PAIRS, TRACES, pair_of
from reason_w2s.stages.table import STAGES

LIMIT = 5_000
"""Traces shown where nothing else is asked for."""

UNPAIRED = "in no pair, though its problem has some"

Table = tuple[str, str, int | None]
"""Where traces lie: stage, key, and the limit of tokens they were drawn under."""


class Asked(NamedTuple):
    """A problem's identity: sets may use one id for two questions, or hide the gold of one."""

    id: str
    question: str
    graded_by: str


class Fate(NamedTuple):
    """What a choosing step did with a trace: `words` is the reason where it did not keep it."""

    step: str
    kept: bool
    words: str


@dataclass(slots=True)
class Shown:
    """A trace, with the columns of every step that saw it.

    steps: those that drew it; the same sample may be drawn by two. fates: in the run's order, of
    the choosing steps that it reached.
    """

    row: Row
    asked: Asked
    steps: list[str] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)


class ShownPair(NamedTuple):
    """A pair of a pair step; `rule` counts from 0."""

    step: str
    rule: int
    chosen: Shown
    rejected: Shown


@dataclass(slots=True)
class Collected:
    """What the viewer shows of a run.

    problems: those shown, with the name each has in links. n_problems, n_traces, n_pairs: of the
    whole run, those not shown included.
    """

    problems: dict[Asked, tuple[str, Problem]]
    traces: list[Shown]
    pairs: list[ShownPair]
    n_problems: int
    n_traces: int
    n_pairs: int


def collect(run: Run, limit: int = LIMIT) -> Collected:
    """At most `limit` traces of a run (0: all), whole problems, with all that is known of each.

    Every table is read once, in the order of the steps. Traces are in the order of their problems.
    """
    sizes = _sizes(run)
    wanted = sampled(sizes, limit)
    found = _Following(run, wanted)
    for item in run.items.values():
        found.follow(item)
    problems = {
        asked: (link, found.problems[asked])
        for asked, link in _links(sizes).items()
        if asked in found.problems
    }
    place = {asked: number for number, asked in enumerate(problems)}
    traces = sorted(found.shown.values(), key=lambda one: place[one.asked])
    pairs = sorted(found.pairs, key=lambda one: place[one.chosen.asked])
    n_traces = sum(sizes.values())
    return Collected(problems, traces, pairs, len(sizes), n_traces, found.n_pairs)


def sampled(sizes: Mapping[Asked, int], limit: int) -> set[Asked]:
    """Problems by lot, while all their traces fit into `limit`; 0: all of them.

    The lot depends on the problem alone, so a greater limit adds problems and takes none away. One
    problem is always shown.
    """
    if limit == 0 or sum(sizes.values()) <= limit:
        return set(sizes)
    wanted: set[Asked] = set()
    room = limit
    for asked in sorted(sizes, key=_lot):
        room -= sizes[asked]
        if room < 0 and wanted:
            break
        wanted.add(asked)
    return wanted


def verdict(status: str | None, correct: bool | None) -> str | None:
    """A check's columns as one of the viewer's words; None where there was no gold to grade by."""
    if status is None:
        return None
    if status == "no_answer":
        return "no answer"
    return "undecided" if correct is None else "correct" if correct else "wrong"


def step_ends(row: Row, step: str) -> list[int] | None:
    """Where the steps that a stepcheck cut a text into end, as a page's script counts."""
    ends = row.columns.get(f"{step}.ends")
    return None if ends is None else units(row.trace.text, ends)


def units(text: str, places: Sequence[int]) -> list[int]:
    """Places in a text as a page's script counts them, in UTF-16: what lies beyond the first plane
    is two."""
    if text.isascii():
        return list(places)
    starts = [0, *places[:-1]]
    sizes = (
        len(text[start:end].encode("utf-16-le", "surrogatepass")) // 2
        for start, end in zip(starts, places, strict=True)
    )
    return list(accumulate(sizes))


class _Following:
    """The wanted problems' traces on their way through a run's steps."""

    def __init__(self, run: Run, wanted: set[Asked]) -> None:
        self.run = run
        self.wanted = wanted
        self.problems: dict[Asked, Problem] = {}
        self.shown: dict[tuple[Table, Asked, str], Shown] = {}
        self.pairs: list[ShownPair] = []
        self.n_pairs = 0
        self._inside: dict[str, list[Shown]] = {}

    def follow(self, item: Item) -> None:
        """What one step adds; those it needs come before it."""
        if _draws(item):
            self._inside[item.step] = list(self._drawn(item))
        elif item.stage == "pair":
            self._paired(item, self._joined(item))
        elif item.kind == "traces":
            self._inside[item.step] = self._passed(item)

    def _passed(self, item: Item) -> list[Shown]:
        inner = self._joined(item)
        if item.stage == "union":
            return inner
        if STAGES[item.stage].shape == "choose":
            return list(self._kept(item, inner))
        self._annotate(item, inner)
        return inner

    def _joined(self, item: Item) -> list[Shown]:
        """The traces of the steps that this one reads, each once."""
        parents = [self._inside.get(one.step, []) for one in item.of]
        return list({one.row.trace.key: one for parent in parents for one in parent}.values())

    def _drawn(self, item: Item) -> Iterator[Shown]:
        table = _table(item)
        for row in _rows(self.run, item, {asked.id for asked in self.wanted}):
            asked = _asked(row.problem)
            if asked not in self.wanted:
                continue
            self.problems.setdefault(asked, row.problem)
            one = self.shown.setdefault((table, asked, row.trace.key), Shown(row, asked))
            one.steps.append(item.step)
            yield one

    def _annotate(self, item: Item, inner: list[Shown]) -> None:
        added = rows.annotated(self.run.store, [item], (one.row for one in inner))
        for one, row in zip(inner, added, strict=True):
            one.row = row

    def _kept(self, item: Item, inner: Iterable[Shown]) -> Iterator[Shown]:
        reasons = self.run.dropped(item.step)
        for one in inner:
            reason = reasons.get(one.row.trace.key)
            one.fates.append(Fate(item.step, reason is None, reason or "kept"))
            if reason is None:
                yield one

    def _paired(self, item: Item, inner: Iterable[Shown]) -> None:
        reasons, by_key = self.run.dropped(item.step), {one.row.trace.key: one for one in inner}
        sides: dict[str, dict[str, None]] = {}
        table = read_parts(self.run.store.folder("pair", item.key), PAIRS)
        self.n_pairs += table.num_rows
        for pair in map(pair_of, table.to_pylist()):
            if pair.chosen in by_key:
                chosen, rejected = by_key[pair.chosen], by_key[pair.rejected]
                self.pairs.append(ShownPair(item.step, pair.rule, chosen, rejected))
                sides.setdefault(pair.chosen, {})["chosen"] = None
                sides.setdefault(pair.rejected, {})["rejected"] = None
        for key, one in by_key.items():
            words = " and ".join(sides.get(key, ()))
            dropped = reasons.get(one.row.problem.id, UNPAIRED)
            one.fates.append(Fate(item.step, bool(words), words or dropped))


def _draws(item: Item) -> bool:
    """Whether traces begin here."""
    return item.kind == "traces" and item.stage != "union" and STAGES[item.stage].shape == "make"


def _rows(run: Run, item: Item, among: set[str]) -> Iterator[Row]:
    """A drawing step's rows, where it can those of some problems alone."""
    if item.stage in ("sample", "import"):
        return rows.drawn(run.store, item, among)
    return rows.rows(run.store, item)


def _asked(problem: Problem) -> Asked:
    return Asked(problem.id, problem.question, repr((problem.gold, problem.options)))


def _table(item: Item) -> Table:
    return item.stage, item.key, item.extent.get("max_tokens")


def _sizes(run: Run) -> dict[Asked, int]:
    """How many traces each problem has, in the run's order of problems."""
    tables: dict[Table, dict[Asked, int]] = {}
    for item in filter(_draws, run.items.values()):
        counts = tables.setdefault(_table(item), {})
        for asked, number in _counted(run, item):
            counts[asked] = max(number, counts.get(asked, 0))
    sizes: dict[Asked, int] = {}
    for counts in tables.values():
        for asked, number in counts.items():
            sizes[asked] = sizes.get(asked, 0) + number
    return sizes


def _counted(run: Run, item: Item) -> Iterable[tuple[Asked, int]]:
    """Of samples and imports no text is read."""
    if item.stage == "sample":
        return [(_asked(one), item.extent["n"]) for one in rows.problems(run.store, item)]
    if item.stage != "import":
        return Counter(_asked(row.problem) for row in rows.rows(run.store, item)).items()
    table = read_parts(run.store.folder("import", item.key), TRACES, columns=["problem_id"])
    numbers = Counter(table.column("problem_id").to_pylist())
    asked = rows.problems(run.store, item)
    return [(_asked(one), numbers[one.id]) for one in asked if one.id in numbers]


def _links(asked: Iterable[Asked]) -> dict[Asked, str]:
    """Each problem's name in links: its id; where that is another question's too, with a number."""
    times: dict[str, int] = {}
    links: dict[Asked, str] = {}
    for one in asked:
        times[one.id] = times.get(one.id, 0) + 1
        links[one] = one.id if times[one.id] == 1 else f"{one.id}~{times[one.id]}"
    return links


def _lot(asked: Asked) -> str:
    return hashlib.sha256("\n".join(asked).encode()).hexdigest()
