r"""Gold answers against themselves: in the official solution, and in other spellings.

    python eval/bench/answers/surfaces.py [--data DIR] [--failures] [--out FILE.json]

Every solution text of GSM8K and MATH must check correct against its answer. Every answer of all
sets must equal itself with spaces around its signs, with `\dfrac`, with `\text{ units}` behind it,
with `\left( \right)`, and as a decimal where that is exact (the last three where they make sense: a
plain number or formula, something in brackets, a finite decimal).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from rows import DATA, Row, problems, write

from reason_w2s.answers import check, equal
from reason_w2s.answers.reading.numbers import Number
from reason_w2s.answers.reading.read import read
from reason_w2s.answers.reading.values import Formula

SOLVED = ("gsm8k_train", "gsm8k_test", "math_train", "math_test")
SETS = (
    *SOLVED,
    *("math500", "aime24", "aime25", "amc23", "olympiadbench_oe_to_maths_en", "svamp", "asdiv"),
)
_PLACES = 30


def spaced(answer: str) -> str | None:
    """Spaces around signs and brackets."""
    return re.sub(r"(?<![\\^_{])([-+=<>()])", r" \1 ", answer)


def dfrac(answer: str) -> str | None:
    """Display fractions."""
    return answer.replace("\\frac", "\\dfrac") if "\\frac" in answer else None


def with_units(answer: str) -> str | None:
    """A unit behind a plain number or formula."""
    value = read(answer)
    plain = isinstance(value, Number | Formula) and not value.unit
    percent = isinstance(value, Number) and value.percent
    return f"{answer} \\text{{ units}}" if plain and not percent and "$" not in answer else None


def left_right(answer: str) -> str | None:
    """Growing brackets, around it where it has none."""
    if "\\left" in answer or "\\text" in answer or "\\mbox" in answer:
        return None
    if "(" in answer or "[" in answer:
        return re.sub(r"([(\[])", r"\\left\1", re.sub(r"([)\]])", r"\\right\1", answer))
    return f"\\left({answer}\\right)" if isinstance(read(answer), Number | Formula) else None


def decimal(answer: str) -> str | None:
    """A number as a decimal, where that ends."""
    value = read(answer)
    if not isinstance(value, Number) or value.percent or value.unit:
        return None
    scaled = value.value * 10**_PLACES
    if scaled.denominator != 1 or abs(value.value) > 10**15:
        return None
    text = f"{Decimal(int(scaled)).scaleb(-_PLACES):f}".rstrip("0")
    assert Fraction(text) == value.value
    return text + "0" if text.endswith(".") else text


SURFACES: dict[str, Callable[[str], str | None]] = {
    "spaces": spaced,
    "dfrac": dfrac,
    "units": with_units,
    "left right": left_right,
    "decimal": decimal,
}


def answers_of(row: Row) -> list[str]:
    """The answers a row accepts, as texts."""
    answer = row["answer"]
    return [str(one) for one in (answer if isinstance(answer, list) else [answer])]


def measure(data: Path, name: str) -> dict[str, Any]:
    """How many rows of one set pass, surface by surface, and which do not."""
    found: dict[str, Any] = {}

    def note(surface: str, passed: bool, case: list[str]) -> None:
        count = found.setdefault(surface, {"n": 0, "passed": 0, "failures": []})
        count["n"] += 1
        count["passed"] += passed
        if not passed:
            count["failures"].append(case)

    for row in problems(data, name):
        for answer in answers_of(row):
            if name in SOLVED:
                verdict = check(row["solution"], answer)
                case = [row["id"], answer, str(verdict.answer), verdict.reason]
                note("solution", verdict.correct is True, case)
            verdict = check(f"So it is \\boxed{{{answer}}}.", answer)
            note("boxed", verdict.correct is True, [row["id"], answer, str(verdict.answer)])
            for surface, spell in SURFACES.items():
                written = spell(answer)
                if written is not None:
                    verdict = equal(written, answer)
                    case = [row["id"], answer, written, verdict.reason]
                    note(surface, verdict.correct is True, case)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--failures", action="store_true", help="list what did not pass")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found = {name: measure(asked.data, name) for name in SETS}
    for name, surfaces in found.items():
        counts = "  ".join(f"{one} {two['passed']}/{two['n']}" for one, two in surfaces.items())
        print(f"{name:<30} {counts}")
        for surface, count in surfaces.items() if asked.failures else ():
            for case in count["failures"]:
                print(f"    {surface}: {case}")
    write(asked.out, found)


if __name__ == "__main__":
    main()
