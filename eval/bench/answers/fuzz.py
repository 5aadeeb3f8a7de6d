r"""A coverage-guided fuzzer (atheris) for the answer checker.

    python eval/bench/answers/fuzz.py [--minutes 10] [--limit-s 8] [--max-mib 1500]
        [--keep DIR] [--out FILE.json] [--seed 1]

Needs `pip install atheris`. Inputs are pairs of texts put together from LaTeX fragments, real
answer forms, marks and raw characters; each also stands inside a response. For every one:
the verdict has a known status that agrees with `correct`, nothing is raised, both orders of `equal`
agree, an answer equals itself, the wall time stays under the limit, and memory is bounded. Every
`VALID_EVERY` inputs a valid pair must get its verdict. At the end no worker is left.
Inputs that break a rule go to `--keep`; exits 1 where there was one.
"""

# ruff: noqa: RUF001 - look-alike characters are what a fuzzer is for.

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["reason_w2s.answers"]):
    from reason_w2s.answers import check, check_first, equal
    from reason_w2s.answers.workers.pool import close, symbolic

from hostile import STATUSES, _memory, below, judge
from hostile_cases import VALID

from reason_w2s.answers.verdict import KINDS, Verdict

VALID_EVERY = 50
MAX_BYTES = 1_024
# A limit of time may be reached in one order and not in the other.
_UNDECIDED = ("timeout", "error")

FRAGMENTS = (
    *("0", "1", "2", "5", "18", "-3", "3.14", "1,234", "1/2", "0.5", "50%", "1e5", "10^{9}"),
    *("x", "y", "n", "\\pi", "e", "i", "\\theta", "x_1", "\\infty", "\\sqrt{", "\\sqrt[3]{", "^{"),
    *("\\frac{", "}{", "}", "{", "(", ")", "[", "]", "\\{", "\\}", "\\left(", "\\right)", "|"),
    *(
        "+",
        "-",
        "*",
        "/",
        "=",
        "<",
        "\\le ",
        ">",
        "\\ge ",
        "\\ne ",
        "\\pm ",
        "\\mp ",
        "!",
        "^",
        "_",
    ),
    *(
        "\\sin(",
        "\\cos ",
        "\\ln(",
        "\\log_{2}(",
        "\\tan^{-1}",
        "\\binom{",
        "\\lfloor ",
        "\\rfloor ",
    ),
    *(
        ",",
        ", ",
        ";",
        " and ",
        " or ",
        " ",
        "\n",
        "\n\n",
        ".",
        ":",
        "\\cup ",
        "\\in ",
        "\\setminus",
    ),
    *(
        "\\text{",
        "\\mathrm{",
        "\\overline{",
        "\\dot{",
        "\\%",
        "\\$",
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
    ),
    *("\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\", "\\begin{array}{c}", "\\end{array}"),
    *("\\boxed{", "\\fbox{", "#### ", "The answer is ", "Final Answer: ", "A: ", "**", "<answer>"),
    *("</think>", "<think>", "Question:", '{"answer": "', "So x = ", "Hence ", " is ", "= "),
    *(" cm", " dollars", " feet", " hours", "°", "^\\circ", " p.m.", "3:30", "A", "(B)", "C) 5"),
    *("twenty", "-five", " hundred", " half", "two thirds", "dozen", "yes", "none", "no solution"),
    *("½", "²", "√", "×", "−", "π", "∞", "١", "５", "\u200b", "\u0301", "\u202e", "\ud800", "\0"),
    *("9^{9^{9^9}}", "(10^9)!", "\\int_0^1 ", "\\sum_{n=1}^{9}", "\\lim ", "204_5", "FF_{16}"),
    *("\\quad ", "\\,", "\\!", "~", "\\dfrac12", "\\cdot ", "\\times ", "\\div ", "\\mod "),
    *("__import__('os')", "\x1b[31m", "\\input{x}", "%s", "x \\in \\mathbb{R}", "[0,1)", "(1, 2)"),
)
LEAVES = (
    *(
        "0",
        "1",
        "2",
        "3",
        "7",
        "12",
        "0.5",
        "x",
        "y",
        "n",
        "\\pi",
        "e",
        "i",
        "-1",
        "10",
        "\\sqrt{2}",
    ),
    *("1,000", "0.\\overline{3}", "2x", "x^2", "\\frac{1}{2}", "30^\\circ", "9^{9^{9}}", "1e30"),
)
FORMULAS = (
    *("@+@", "@-@", "@ \\cdot @", "\\frac{@}{@}", "(@)(@)", "(@)/(@)", "{(@)}^{@}", "\\sqrt{@}"),
    *(
        "\\sqrt[3]{@}",
        "\\sin(@)",
        "\\cos(@)",
        "\\tan(@)",
        "\\ln(@)",
        "\\log_{2}(@)",
        "e^{@}",
        "|@|",
    ),
    *("-(@)", "2^{@}", "(@)!", "\\binom{@}{2}", "\\lfloor @ \\rfloor", "\\log(@)", "(@)^2", "@+1"),
)
ANSWERS = (
    *(
        "@",
        "@",
        "@",
        "@",
        "x = @",
        "y=@, x=@",
        "(@, @)",
        "\\{@, @\\}",
        "[@, @)",
        "x < @",
        "@ \\le x < @",
    ),
    *("@, @", "\\pm @", "@ \\pm @", "@:@", "\\begin{pmatrix}@ & @ \\\\ @ & @\\end{pmatrix}", "@%"),
    *(
        "@ cm",
        "\\$@",
        "@ \\text{ meters}",
        "(-\\infty, @) \\cup (@, \\infty)",
        "@ = @",
        "@_{8}",
        "(@)",
    ),
    *(
        "(B) @",
        "\\boxed{@}",
        "@ and @",
        "f(x) = @",
        "x + y > @",
        "@ degrees",
        "@ feet @ inches",
        "$@$",
    ),
)
REWRITES = (
    *(
        "1 -> 1.0",
        "+ -> -",
        "2 -> \\sqrt{4}",
        "x -> (x+0)",
        "( -> [",
        ") -> \\right)",
        "\\frac -> \\dfrac",
    ),
    *(
        "0.5 -> \\frac{1}{2}",
        ", -> ;",
        "x -> t",
        "@ -> @",
        "\\pi -> π",
        "- -> −",
        "cm -> m",
        "1 -> 2",
    ),
    *(
        "\\{ -> {",
        "= -> \\in ",
        "\\sin -> \\cos",
        "^2 -> ²",
        "\\sqrt{2} -> 2^{1/2}",
        ", -> , \\ ",
        "% -> ",
    ),
)


@dataclass
class Record:
    """What happened so far."""

    limit_s: float
    max_mib: float
    keep: Path
    started: float = field(default_factory=time.monotonic)
    runs: int = 0
    checks: int = 0
    valid: int = 0
    slowest_s: float = 0.0
    slowest: str = ""
    peak_mib: float = 0.0
    said: Counter[str] = field(default_factory=Counter)
    findings: dict[str, dict[str, Any]] = field(default_factory=dict)
    undecided: dict[str, tuple[int, str]] = field(default_factory=dict)

    def found(self, rule: str, given: Any, said: Any) -> None:
        """Keep an input that breaks a rule; of each kind the shortest."""
        text = ascii(given)
        known = self.findings.get(rule)
        count = known["count"] + 1 if known else 1
        if known is None or len(text) < len(known["given"]):
            print(f"FINDING {rule}: {text} -> {said}", flush=True)
            known = {"given": text, "said": str(said)}
            name = hashlib.sha1(rule.encode(), usedforsecurity=False).hexdigest()[:12]
            (self.keep / f"{name}.json").write_text(json.dumps({"rule": rule, **known}))
        self.findings[rule] = {**known, "count": count}

    def timed(self, call: Callable[[], Verdict], rule: str, given: Any) -> Verdict | None:
        """One call, and what every verdict must be."""
        start = time.perf_counter()
        try:
            verdict = call()
        except Exception as error:
            self.found(f"{rule} raises {type(error).__name__}", given, repr(error))
            return None
        took = time.perf_counter() - start
        self.checks += 1
        self.said[verdict.status] += 1
        if verdict.reason.endswith((" while comparing", " while finding the answer")):
            self.found(f"{rule}: {verdict.reason}", given, verdict)
        if verdict.status in _UNDECIDED:
            count, example = self.undecided.get(verdict.reason, (0, ascii(given)))
            self.undecided[verdict.reason] = count + 1, min(example, ascii(given), key=len)
        if took > self.slowest_s:
            self.slowest_s, self.slowest = took, ascii(given)
        if took > self.limit_s:
            self.found(f"{rule} is slow", given, f"{took:.1f} s")
        if verdict.status not in STATUSES:
            self.found(f"{rule}: unknown status", given, verdict)
        return verdict


class _Draw:
    """Texts made of the fuzzer's bytes."""

    def __init__(self, data: bytes) -> None:
        self.provider = atheris.FuzzedDataProvider(data)

    def below(self, count: int) -> int:
        """A number from 0 to `count` - 1."""
        return int(self.provider.ConsumeIntInRange(0, count - 1))

    def of(self, these: Sequence[str]) -> str:
        """One of them."""
        return these[self.below(len(these))]

    def rubble(self) -> str:
        """Fragments, real and raw, one after the other."""
        parts = []
        for _ in range(self.below(13)):
            choice = self.below(256)
            if choice < 240:
                parts.append(self.of(FRAGMENTS))
            elif choice < 250:
                parts.append(self.provider.ConsumeUnicode(self.below(7)))
            else:
                parts.append(self.of(FRAGMENTS) * (1 + self.below(400)))
        return "".join(parts)

    def formula(self, depth: int) -> str:
        """A well-formed formula."""
        if depth <= 0 or not self.below(4):
            return self.of(LEAVES)
        made = self.of(FORMULAS)
        while "@" in made:
            made = made.replace("@", self.formula(depth - 1), 1)
        return made

    def answer(self) -> str:
        """A well-formed answer of any sort."""
        made = self.of(ANSWERS)
        while "@" in made:
            made = made.replace("@", self.formula(2), 1)
        return made


def build(data: bytes) -> tuple[str, str, str]:
    """Two answers and the name of a kind from the fuzzer's bytes."""
    draw = _Draw(data)
    kind = draw.of(KINDS)
    way = draw.below(5)
    if way == 0:
        return draw.rubble(), draw.rubble(), kind
    left = draw.answer()
    if way == 1:
        return left, draw.rubble(), kind
    if way == 2:
        return left, draw.answer(), kind
    # The same with something added, or in other words.
    old, new = draw.of(REWRITES).split(" -> ")
    right = left.replace(old, new, 1 + draw.below(3)) if way == 3 else left
    at = draw.below(len(left) + 1)
    return left, right if way == 3 else left[:at] + draw.of(FRAGMENTS) + left[at:], kind


def one_input(data: bytes, record: Record) -> None:
    """Try one input."""
    left, right, kind = build(data)
    record.runs += 1
    there = record.timed(lambda: equal(left, right), "equal", (left, right))
    back = record.timed(lambda: equal(right, left), "equal", (right, left))
    if there and back and left.strip() and right.strip():
        undecided = there.status in _UNDECIDED or back.status in _UNDECIDED
        if there.correct is not back.correct and not undecided:
            record.found("equal is not symmetric", (left, right), (there, back))
    itself = record.timed(lambda: equal(left, left), "equal", (left, left))
    if itself and left.strip() and itself.correct is not True:
        record.found("equal is not reflexive", left, itself)
    record.timed(lambda: check(left, right, kind), f"check as {kind}", (left, right, kind))
    boxed = f"So \\boxed{{{left}}}"
    record.timed(lambda: check(boxed, right), "check of a box", (boxed, right))
    record.timed(lambda: check_first(left, right), "check_first", (left, right))
    if record.runs % VALID_EVERY == 0:
        valid(record, left)


_VALID = cycle(VALID)


def valid(record: Record, behind: str) -> None:
    """A valid pair must get its verdict, and memory must be bounded."""
    for _ in range(2):
        one = next(_VALID)
        record.valid += 1
        if judge(one):
            record.found("a valid answer was misjudged", (one, behind), judge(one))
    here = _memory(os.getpid(), "VmRSS") / 1024
    record.peak_mib = max(record.peak_mib, here)
    if here > record.max_mib:
        record.found("memory", behind, f"{here:.0f} MiB")


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """The default mutation, or one chunk of the input moved, repeated or replaced."""
    draw = random.Random(seed)
    if draw.random() < 0.6 or len(data) < 4:
        return bytes(atheris.Mutate(data, max_size))
    start = draw.randrange(len(data))
    end = min(len(data), start + draw.randint(1, 8))
    chunk = data[start:end]
    at = draw.randrange(len(data))
    kind = draw.randrange(3)
    if kind == 0:
        made = data[:at] + chunk + data[at:]
    elif kind == 1:
        made = data[:start] + draw.randbytes(end - start) + data[end:]
    else:
        made = data[:start] + data[end:]
    return made[:max_size]


def report(record: Record, out: Path | None) -> int:
    """Say what was found; 1 where that is anything."""
    close()
    left = len(below(os.getpid()))
    if left:
        record.found("children are left", left, left)
    minutes = (time.monotonic() - record.started) / 60
    figures = {
        "minutes": round(minutes, 2), "inputs": record.runs, "checks": record.checks,
        "valid": record.valid, "slowest_s": round(record.slowest_s, 2),
        "slowest": record.slowest[:500], "peak_mib": round(record.peak_mib),
        "children_left": left, "statuses": record.said, "undecided": record.undecided,
        "findings": record.findings,
    }  # fmt: skip
    print(json.dumps(figures, indent=1), flush=True)
    if out:
        out.write_text(json.dumps(figures, indent=1))
    return 1 if record.findings else 0


def seeds(folder: Path, seed: int) -> None:
    """Inputs to start with: random ones, short and long."""
    draw = random.Random(seed)
    for index in range(300):
        (folder / str(index)).write_bytes(draw.randbytes(draw.choice((16, 64, 200, 600))))


def main() -> None:
    """Fuzz for so many minutes."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--limit-s", type=float, default=8.0)
    options.add_argument("--max-mib", type=float, default=1500.0)
    options.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options.add_argument("--out", type=Path)
    options.add_argument("--seed", type=int, default=1)
    wished = options.parse_args()
    wished.keep.mkdir(parents=True, exist_ok=True)
    symbolic("x", "x + 0")
    corpus = Path(tempfile.mkdtemp(prefix="fuzz-"))
    seeds(corpus, wished.seed)
    record = Record(wished.limit_s, wished.max_mib, wished.keep)

    def one(data: bytes) -> None:
        one_input(data, record)
        if time.monotonic() - record.started > 60 * wished.minutes:
            # libFuzzer ends the process without any handler.
            code = report(record, wished.out)
            sys.stdout.flush()
            os._exit(code)

    flags = [f"-seed={wished.seed}", f"-max_len={MAX_BYTES}", "-timeout=1000000", "-rss_limit_mb=0",
        f"-artifact_prefix={wished.keep}/", str(corpus)]  # fmt: skip
    atheris.Setup([sys.argv[0], *flags], one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
