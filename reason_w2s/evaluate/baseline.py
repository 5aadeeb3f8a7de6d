"""Expected accuracies kept in a file, and what a run reached beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reason_w2s.errors import ConfigError

Verdict = Literal["as expected", "above", "below", "not comparable"]


class Expected(BaseModel):
    """One accuracy, a share. tolerance: another one than the file's; n: over how many problems."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str
    suite: str
    accuracy: float = Field(ge=0, le=1)
    n: int | None = None
    tolerance: float | None = Field(None, ge=0)


class Baseline(BaseModel):
    """What `command` is expected to reach: each score within `tolerance` (shares)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    command: str
    tolerance: float = Field(ge=0)
    scores: tuple[Expected, ...] = Field(min_length=1)


class Held(NamedTuple):
    """One expected accuracy, what became of it, and that in a line."""

    expected: Expected
    verdict: Verdict
    line: str


def read(path: Path) -> Baseline:
    """A baseline file: JSON with `command`, `tolerance` and `scores`.

    Raises:
        ConfigError: no such file, or something else in it.
    """
    if not path.is_file():
        raise ConfigError(
            f"{path}: no such file; expected a baseline such as eval/baselines/*.json"
        )
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(f"{path}: {where}: {first['msg']}") from error


def against(results: Mapping[str, Any], baseline: Baseline) -> Iterator[Held]:
    """Each expected accuracy beside the one in `results` (a run's results.json)."""
    found = {(one["model"], one["suite"]): one for one in results["scores"]}
    for expected in baseline.scores:
        score = found.get((expected.model, expected.suite))
        verdict, said = _held(expected, score, baseline.tolerance)
        yield Held(expected, verdict, f"{expected.suite} {expected.model}: {said}")


def _held(
    expected: Expected, score: Mapping[str, Any] | None, tolerance: float
) -> tuple[Verdict, str]:
    if score is None:
        return "not comparable", "not measured in this run"
    if expected.n not in (None, score["n"]):
        said = f"over {score['n']:,} problems here, {expected.n:,} expected: not comparable"
        return "not comparable", said
    within = tolerance if expected.tolerance is None else expected.tolerance
    points, low, high = (100 * score[name] for name in ("accuracy", "low", "high"))
    said = f"{points:.1f} [{low:.1f}, {high:.1f}], expected {100 * expected.accuracy:.1f}"
    said += f" within {100 * within:g} points"
    off = score["accuracy"] - expected.accuracy
    # a difference of shares carries the rounding of both
    if abs(off) <= within + 1e-9:
        return "as expected", f"{said}: as expected"
    verdict: Verdict = "above" if off > 0 else "below"
    noise = "holds" if low <= 100 * expected.accuracy <= high else "leaves out"
    return (
        verdict,
        f"{said}: {100 * abs(off):.1f} {verdict}; its interval {noise} what was expected",
    )
