"""What was learned, in sentences: those of the gaps and comparisons, put in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from reason_w2s.report import wording
from reason_w2s.report.rows import suites

CONTROLS = {
    "headroom": "headroom (the untrained student asked to think)",
    "own_gold": "own gold (the student on the little gold that the teacher had)",
    "self_distilled": "self-distilled (the teacher on its own traces)",
}
Rows = Sequence[Mapping[str, Any]]


class Lesson(NamedTuple):
    """What one suite says, a sentence each."""

    suite: str
    sentences: Sequence[str]


def lessons(results: Mapping[str, Any]) -> list[Lesson]:
    """What each suite says of the run, a gap that is a comparison too said once."""
    return [
        Lesson(suite, list(dict.fromkeys(_sentences(results, suite)))) for suite in suites(results)
    ]


def _sentences(results: Mapping[str, Any], suite: str) -> Iterator[str]:
    scores, gaps, compared = (
        [row for row in results.get(name) or [] if row["suite"] == suite]
        for name in ("scores", "gaps", "comparisons")
    )
    yield from _range([row for row in scores if row.get("accuracy") is not None])
    for row in results.get("resampling") or []:
        if row["suite"] == suite:
            yield _attempts(row)
    yield from (_gap(row) for row in gaps if row.get("refused") is None)
    yield from _refused(gaps)
    yield from (str(row["sentence"]) for row in compared if not _is_noise(row))
    yield from _noise([row for row in compared if _is_noise(row)])
    yield from _controls(results.get("controls") or [], scores)


def _range(scores: Rows) -> Iterator[str]:
    if len(scores) > 1:
        least, *_, most = sorted(scores, key=lambda row: (row["accuracy"], row["model"]))
        ends = [f"{one['model']} ({wording.percent(one['accuracy'])}%)" for one in (least, most)]
        yield f"Accuracies go from {ends[0]} to {ends[1]}."
    elif scores:
        share = f"{wording.percent(scores[0]['accuracy'])}% {wording.interval(scores[0])}"
        yield f"{scores[0]['model']} answers {share} correctly."


def _attempts(row: Mapping[str, Any]) -> str:
    first, last = row["points"][0], row["points"][-1]
    best = next((one for one in row["best"] if one["penalty"] == -1.0), row["best"][0])
    return (
        f"Sampling until {row['name']} accepts: {wording.percent(first['accuracy'])}% of the "
        f"answers given are right with one attempt, {wording.percent(last['accuracy'])}% with up "
        f"to {last['k']}; where a wrong answer is worth {best['penalty']:g}, K* is {best['k']} "
        f"[{best['k_low']}, {best['k_high']}]."
    )


def _gap(row: Mapping[str, Any]) -> str:
    return str(row.get("sentence") or f"{row['name']}: {wording.gap(row)}")


def _refused(gaps: Rows) -> Iterator[str]:
    """Once for all between the same two ends."""
    ends: dict[tuple[Any, Any], list[Mapping[str, Any]]] = {}
    for row in gaps:
        if row.get("refused") is not None:
            ends.setdefault((row.get("start"), row.get("ceiling")), []).append(row)
    for (start, ceiling), refused in ends.items():
        names = ", ".join(row["name"] for row in refused)
        yield f"Between {start} and {ceiling}: {refused[0]['refused']} (so no {names})."


def _is_noise(row: Mapping[str, Any]) -> bool:
    return row.get("outcome") == "within noise"


def _noise(compared: Rows) -> Iterator[str]:
    if compared:
        pairs = ", ".join(
            f"{row['a']} against {row['b']} ({100 * row['difference']:+.1f})" for row in compared
        )
        yield f"Within noise, so not shown to differ, in points: {pairs}."


def _controls(controls: Rows, scores: Rows) -> Iterator[str]:
    found = {row["model"]: row.get("accuracy") for row in scores}
    parts = []
    for control in controls:
        share = found.get(control.get("model"))
        said = wording.MISSING if share is None else f"{control['model']} {100 * share:.1f}%"
        parts.append(f"{CONTROLS.get(control['role'], control['role'])}: {said}")
    if parts:
        yield f"Controls: {'; '.join(parts)}."
