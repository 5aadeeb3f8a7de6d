r"""A second opinion on a response, by math-verify's LaTeX path. Runs in a worker process only.

math-verify reads formulas with a grammar (latex2sympy2_extended). Its path for plain expressions is
never taken: that one calls sympy's parse_expr, which runs code. Its own timeouts are off, as they
need signals: whoever asks kills the worker.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from reason_w2s.errors import require

# Its patterns are slow on long texts; an answer stands near the end.
MAX_RESPONSE_CHARS = 20_000
MAX_SHOWN_CHARS = 200

_PLAIN_NUMBER = re.compile(r"\s*\$?-?[\d,]*\.?\d+%?\s*")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")


def opinion(request: list[str] | None) -> list[Any]:
    r"""[whether response and gold agree, the answer that was read] of a [response, gold].

    None in the place of the first where it reads no answer or no gold. Formulas are looked for in
    the whole response; with a plain number as gold and no `\boxed`, it is the last number: dollar
    signs then are money. None for a request only loads what is needed.
    """
    if request is None:
        return _compare("1", "1")
    response, gold = request
    response = response[-MAX_RESPONSE_CHARS:]
    if "\\boxed" not in response and _PLAIN_NUMBER.fullmatch(gold):
        numbers = _NUMBER.findall(response)
        if not numbers:
            return [None, ""]
        response = f"${numbers[-1]}$"
    return _compare(response, gold)


def _compare(response: str, gold: str) -> list[Any]:
    right, left = _read_gold(gold), _read(response)
    shown = ", ".join(map(str, left))[:MAX_SHOWN_CHARS]
    if not right or not left:
        return [None, shown]
    return [bool(require("math_verify", "audit").verify(right, left, timeout_seconds=None)), shown]


@lru_cache(maxsize=1024)
def _read_gold(gold: str) -> list[Any]:
    return _read(f"\\boxed{{{gold}}}")


def _read(text: str) -> list[Any]:
    math_verify = require("math_verify", "audit")
    return list(
        math_verify.parse(
            text,
            extraction_config=[math_verify.LatexExtractionConfig()],
            fallback_mode="no_fallback",
            parsing_timeout=None,
        )
    )
