"""Whether two formulas are the same function: floats, then normal forms, then sympy in a worker."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from reason_w2s.answers.algebra.expression import Node, Undefined, Unreadable, names
from reason_w2s.answers.algebra.forms import Form, plain, same_form
from reason_w2s.answers.algebra.normal import normal_form
from reason_w2s.answers.algebra.parser import parse
from reason_w2s.answers.algebra.points import differ, value_at
from reason_w2s.answers.workers import pool

Outcome = Literal["same", "different", "unknown", "timeout", "memory", "crashed"]

_BARE_LOG = re.compile(r"\\?log(?!_)(?![a-z])|\\?lg(?![a-z])")


def same_formula(
    left: str,
    left_node: Node,
    right: str,
    right_node: Node,
    rel_tol: float = 0.0,
    symbolic: bool = True,
) -> Outcome:
    r"""Whether two formulas, each as normalised text and as tree, are equal where both are defined.

    Variables are real. `\log` without a base may be the natural or the decimal one: equal to a
    formula that names its base if either is. `rel_tol` is for two that have no variables. Without
    `symbolic`, what floats and normal forms do not show is unknown.
    """
    bare = [_BARE_LOG.search(text) is not None for text in (left, right)]
    if bare[0] != bare[1]:
        return _with_base(left, right, rel_tol, symbolic)
    variables = names(left_node) | names(right_node)
    if rel_tol and not variables and _close(left_node, right_node, rel_tol):
        return "same"
    apart = differ(left_node, right_node, variables)
    if apart:
        return "different"
    try:
        known = _by_form(_form(left_node), _form(right_node), apart is False)
    except Undefined:
        return "unknown"
    return known or (pool.symbolic(left, right) if symbolic else "unknown")


def _by_form(left: Form | None, right: Form | None, close: bool) -> Outcome | None:
    """What normal forms show: of plain generators (floats were computed) also that they differ."""
    if left is None or right is None:
        return None
    if same_form(left, right):
        return "same"
    return "different" if close and plain(left) and plain(right) else None


def _with_base(left: str, right: str, rel_tol: float, symbolic: bool) -> Outcome:
    outcomes: list[Outcome] = []
    for spelled in ("\\\\ln", "\\\\log_{10}"):
        texts = [_BARE_LOG.sub(spelled, text) for text in (left, right)]
        try:
            nodes = [parse(text) for text in texts]
        except Unreadable:
            return "unknown"
        asked = texts[0], nodes[0], texts[1], nodes[1]
        outcomes.append(same_formula(*asked, rel_tol, symbolic))
    return "same" if "same" in outcomes else outcomes[0]


def _close(left: Node, right: Node, rel_tol: float) -> bool:
    first, second = value_at(left, {}), value_at(right, {})
    if first is None or second is None:
        return False
    return abs(first[0] - second[0]) <= rel_tol * max(abs(first[0]), abs(second[0]))


@lru_cache(maxsize=4096)
def _form(node: Node) -> Form | None:
    try:
        return normal_form(node)
    except Undefined:
        raise
    except Unreadable:
        return None
