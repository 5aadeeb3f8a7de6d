"""Where the verdicts differ from a second, independent opinion, by class and with examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from typing import Literal

from reason_w2s.answers.files.table import Graded
from reason_w2s.answers.files.tally import Cells, aligned, share
from reason_w2s.answers.workers.pool import Failed, Worker
from reason_w2s.errors import EngineError, MissingExtra

Class = Literal[
    "agree",
    "ours correct, theirs wrong",
    "ours wrong, theirs correct",
    "ours no answer, theirs correct",
    "ours undecided, theirs correct",
    "ours undecided, theirs wrong",
    "theirs no opinion",
    "theirs gave up",
]
DISAGREEMENTS: tuple[Class, ...] = (
    "ours correct, theirs wrong",
    "ours wrong, theirs correct",
    "ours no answer, theirs correct",
    "ours undecided, theirs correct",
    "ours undecided, theirs wrong",
)

Opinion = bool | Literal["gave up"] | None
Answer = tuple[Opinion, str]

# What one second opinion may take before its process is killed.
OPINION_SECONDS = 10.0
MEMORY_BYTES = 2 << 30
SERVICE = "reason_w2s.answers.files.second:opinion"


@dataclass(frozen=True)
class Compared:
    """A graded row, the class it falls into and the answer that the other read."""

    row: Graded
    group: Class
    theirs: str


@dataclass
class Audit:
    """Rows counted by class, and those of each class of disagreement by rule, with examples."""

    examples: int
    classes: Counter[Class] = field(default_factory=Counter)
    rules: dict[Class, Counter[str]] = field(default_factory=dict)
    shown: dict[Class, list[Compared]] = field(default_factory=dict)

    def add(self, compared: Compared) -> None:
        """Count one more row."""
        self.classes[compared.group] += 1
        if compared.group not in DISAGREEMENTS:
            return
        rule = compared.row.verdict.rule or "(none)"
        self.rules.setdefault(compared.group, Counter())[rule] += 1
        shown = self.shown.setdefault(compared.group, [])
        if len(shown) < self.examples:
            shown.append(compared)


def require_second() -> None:
    """Raises:
    MissingExtra: math-verify is not installed.
    """
    if find_spec("math_verify") is None:
        raise MissingExtra(
            "math_verify is not installed; install it with: pip install 'reason-w2s[audit]'"
        )


def compare(rows: Iterable[Graded], workers: int) -> Iterator[Compared]:
    """Ask for a second opinion on each row, in order, in so many worker processes.

    Rows without a gold answer that is a text or a number are nothing to have an opinion on.

    Raises:
        EngineError: math-verify does not start.
    """
    with ExitStack() as stack:
        asked = [_Second(stack) for _ in range(max(workers, 1))]
        for second in asked:
            second.start()
        waiting = iter(rows)
        while group := list(islice(waiting, len(asked))):
            pairs = list(zip(asked, group, strict=False))
            for second, row in pairs:
                second.ask(row)
            for second, row in pairs:
                opinion, theirs = second.reply()
                yield Compared(row, _class(row, opinion), theirs)


class _Second:
    """One worker, replaced when it is gone."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.worker = self._new()
        self.response = ""
        self.waits: list[str] = []

    def start(self) -> None:
        """Wait until it is ready."""
        try:
            self.worker.start()
        except Failed as failed:
            raise EngineError(f"--audit: math-verify does not start: {failed}") from failed

    def ask(self, row: Graded) -> None:
        """Send the row's response with each gold it accepts, the next once one is answered."""
        golds = row.gold if isinstance(row.gold, list) else [row.gold]
        self.response = row.response if isinstance(row.response, str) else str(row.response)
        self.waits = [
            str(gold) for gold in golds if isinstance(gold, str | int | float) and str(gold).strip()
        ]
        self._send()

    def reply(self) -> Answer:
        """Whether any of the golds agrees, and the answer that was read."""
        found: Answer = None, ""
        while self.waits and found[0] is not True:
            self.waits.pop(0)
            found = self._receive()
            if found[0] is not True:
                self._send()
        return found

    def _send(self) -> None:
        if not self.waits:
            return
        if not self.worker.usable:
            self.worker = self._new()
        # what goes wrong here the reply says again
        with suppress(Failed):
            self.worker.send([self.response, self.waits[0]], OPINION_SECONDS)

    def _receive(self) -> Answer:
        if not self.worker.usable:
            return "gave up", ""
        try:
            opinion, theirs = self.worker.reply(OPINION_SECONDS)
        except Failed as failed:
            return "gave up", str(failed)
        return opinion, theirs

    def _new(self) -> Worker:
        return self.stack.enter_context(closing(Worker(SERVICE, MEMORY_BYTES)))


def _class(row: Graded, theirs: Opinion) -> Class:
    ours = row.verdict
    if theirs is None:
        return "theirs no opinion"
    if theirs == "gave up":
        return "theirs gave up"
    if ours.correct is None:
        return "ours undecided, theirs correct" if theirs else "ours undecided, theirs wrong"
    if ours.correct == theirs:
        return "agree"
    if ours.status == "no_answer":
        return "ours no answer, theirs correct"
    return "ours correct, theirs wrong" if ours.correct else "ours wrong, theirs correct"


def lines(audit: Audit, width: int) -> list[str]:
    """Counts by class, then each class of disagreement by rule, with examples."""
    total = audit.classes.total()
    rows: list[Cells] = [("audit by math-verify", "rows", "share")]
    for name in ("agree", *DISAGREEMENTS, "theirs no opinion", "theirs gave up"):
        count = audit.classes[name]
        if count or name == "agree":
            rows.append((name, f"{count:,}", share(count, total)))
    said = aligned([*rows, ("in all", f"{total:,}", "")])
    for name in DISAGREEMENTS:
        if name in audit.rules:
            said += ["", *_examples(audit, name, width)]
    return said


def _examples(audit: Audit, name: Class, width: int) -> list[str]:
    counts = audit.rules[name]
    by_rule = ", ".join(f"{rule} {count:,}" for rule, count in counts.most_common())
    head = f"{name}: {counts.total():,} ({by_rule})"
    shown = audit.shown.get(name)
    if not shown:
        return [head]
    rows = [
        (
            f"  {one.row.line}",
            one.row.verdict.rule or "(none)",
            *(
                str(text if text is not None else "-")
                for text in (one.row.gold, one.row.verdict.answer, one.theirs)
            ),
        )
        for one in shown
    ]
    heading = ("  line", "rule", "gold", "ours", "theirs")
    return [head, *aligned(_fitted([heading, *rows], width), left=(1, 2, 3, 4))]


def _fitted(rows: list[Cells], width: int) -> list[Cells]:
    """Cells of the last three columns cut so that a line fits; the wide ones share what is left."""
    fixed = sum(max(len(row[index]) for row in rows) + 2 for index in (0, 1))
    limits = _shared(
        [max(len(row[index]) for row in rows) for index in (2, 3, 4)], width - fixed - 4
    )
    return [
        (*row[:2], *(_cut(cell, limit) for cell, limit in zip(row[2:], limits, strict=True)))
        for row in rows
    ]


def _shared(wanted: list[int], room: int) -> list[int]:
    """What each column gets of the room, at least 6: none more than it wants."""
    given = [0] * len(wanted)
    for left, index in enumerate(sorted(range(len(wanted)), key=wanted.__getitem__)):
        fair = (room - sum(given)) // (len(wanted) - left)
        given[index] = max(min(wanted[index], fair), 6)
    return given


def _cut(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"
