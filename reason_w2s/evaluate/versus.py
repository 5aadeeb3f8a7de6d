"""Two sets of graded samples set against each other, suite by suite, as plain data and as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reason_w2s.errors import ConfigError
from reason_w2s.evaluate.comparison import Comparison, compare
from reason_w2s.evaluate.metrics import score
from reason_w2s.evaluate.samples import Columns, Sample, read

Suites = Mapping[str, Sequence[Sample]]


def versus(
    a: str, b: str, *, columns: Columns, suites: Sequence[str], seed: int
) -> list[dict[str, Any]]:
    """For each suite both have (or each of `suites`): scores, the paired comparison, and the flips.

    `a` and `b` are RUN, RUN:MODEL or files (`samples.read`). Flips are the problems on which one
    did better, with both answers of each one's first sample.

    Raises:
        ConfigError: several models in a run and none named, or no suite in common.
        DataError: not the same problems.
    """
    first, second = _one(a, columns), _one(b, columns)
    names = _names(a, b, first[0], second[0])
    return [
        _suite(suite, names, first[1][suite], second[1][suite], seed)
        for suite in _common(first[1], second[1], suites, (a, b))
    ]


def lines(found: Sequence[Mapping[str, Any]], flips: int) -> Iterator[str]:
    """What `versus` found, for a person; at most `flips` problems of each kind."""
    for one in found:
        yield f"{one['suite'] or 'all rows'}: {one['sentence']}"
        for side in ("a", "b"):
            yield f"  {_score_line(one[side], one['scores'][side])}"
        for kind, better, other in (("wins", "a", "b"), ("losses", "b", "a")):
            yield from _flip_lines(one, kind, one[better], one[other], flips)


def _one(given: str, columns: Columns) -> tuple[str, Suites]:
    """The one model that is meant, and its samples."""
    models = read(given, columns)
    if len(models) > 1:
        raise ConfigError(
            f"{given}: {len(models)} models were measured there; say which, for example "
            f"{given}:{next(iter(models))} (there are: {', '.join(models)})"
        )
    return next(iter(models.items()))


def _names(a: str, b: str, first: str, second: str) -> tuple[str, str]:
    """The models' names where these tell them apart, else what was typed."""
    return (first, second) if first and second and first != second else (a, b)


def _common(
    first: Suites, second: Suites, asked: Sequence[str], given: tuple[str, str]
) -> Sequence[str]:
    for name in asked:
        for suites, where in zip((first, second), given, strict=True):
            if name not in suites:
                raise ConfigError(f"{where}: no suite '{name}' (there are: {', '.join(suites)})")
    common = asked or [name for name in first if name in second]
    if not common:
        raise ConfigError(
            f"{given[0]} was measured on {', '.join(first)} and {given[1]} on "
            f"{', '.join(second)}: no suite in common"
        )
    return common


def _suite(
    suite: str, names: tuple[str, str], a: Sequence[Sample], b: Sequence[Sample], seed: int
) -> dict[str, Any]:
    left, right = ([one.graded for one in some] for some in (a, b))
    found = compare(left, right, seed, names)
    return {
        "suite": suite,
        **comparison(found),
        "scores": {"a": asdict(score(left)), "b": asdict(score(right))},
        "flips": {kind: _flips(getattr(found, kind), a, b) for kind in ("wins", "losses")},
    }


def comparison(found: Comparison) -> dict[str, Any]:
    """A comparison as plain data, with its outcome and sentence."""
    lists = {"wins": list(found.wins), "losses": list(found.losses)}
    return {**asdict(found), **lists, "outcome": found.outcome, "sentence": found.sentence}


def _flips(
    ids: Sequence[str], a: Sequence[Sample], b: Sequence[Sample]
) -> list[dict[str, str | None]]:
    first, second = ({one.graded.problem_id: one for one in reversed(some)} for some in (a, b))
    return [
        {
            "problem_id": name,
            "question": first[name].question,
            "gold": first[name].gold,
            "a": first[name].answer,
            "b": second[name].answer,
        }
        for name in ids
    ]


def _score_line(name: str, found: Mapping[str, Any]) -> str:
    points, low, high = (100 * found[key] for key in ("accuracy", "low", "high"))
    samples = found["samples"] / found["n"]
    of = f"{found['n']:,}" + (f" x {samples:g}" if samples != 1 else "")
    return f"{name}: {points:.1f}% [{low:.1f}, {high:.1f}], n = {of}"


def _flip_lines(
    one: Mapping[str, Any], kind: str, better: str, other: str, shown: int
) -> Iterator[str]:
    flips = one["flips"][kind]
    yield f"  {better} right where {other} is not: {len(flips):,} problems"
    for flip in flips[:shown]:
        said = {side: _inline(flip[side], 40) for side in ("gold", "a", "b")}
        yield (
            f"    {flip['problem_id']}: gold {said['gold']}, {one['a']} said {said['a']}, "
            f"{one['b']} said {said['b']}; {_inline(flip['question'], 60)}"
        )
    if len(flips) > shown:
        yield f"    ... {len(flips) - shown:,} more (--flips, --json)"


def _inline(text: str | None, most: int) -> str:
    """A text in one line of at most so many characters."""
    if text is None:
        return "nothing"
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
