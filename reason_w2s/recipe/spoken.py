"""The names that `compare`, `gaps` and `controls` speak of: of what is measured, on one suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.plan import Measured
from reason_w2s.recipe.schema import Evaluate
from reason_w2s.recipe.yaml_file import nearest


def check_spoken(asked: Evaluate, measured: Sequence[Measured], place: str) -> None:
    """Refuse names of nothing, a ceiling that is no model, and names measured on other problems.

    Raises:
        ConfigError: which, in one line.
    """
    chosen = {one.model: one.kind for one in measured if one.kind != "model"}
    known = [*asked.models, *chosen]
    for where, names in _spoken(asked):
        for role, name in names:
            if name not in known:
                what = "model or selection" if chosen else "model"
                hint = nearest(name, known)
                raise ConfigError(f"{place}.{where}{role}: no {what} '{name}'{hint}")
        if any(name in chosen for _, name in names):
            _together(measured, [name for _, name in names], f"{place}.{where}")
    for gap, spec in asked.gaps.items():
        if spec.ceiling in chosen:
            raise ConfigError(
                f"{place}.gaps.{gap}.ceiling: '{spec.ceiling}' is no model; leave the ceiling out "
                f"(the report sets each selection against its oracle by itself)"
            )
    for role, name in asked.controls.model_dump(exclude_none=True).items():
        if name not in asked.models:
            hint = nearest(name, asked.models)
            raise ConfigError(f"{place}.controls.{role}: no model '{name}'{hint}")


def _spoken(asked: Evaluate) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Where names are set against each other, and these, each by the rest of its place."""
    for a, b in asked.compare:
        yield "compare", [("", a), ("", b)]
    for gap, spec in asked.gaps.items():
        yield f"gaps.{gap}", [(f".{role}", name) for role, name in spec.models.items()]


def _together(measured: Sequence[Measured], names: Sequence[str], where: str) -> None:
    """What is set against each other answers the same problems."""
    found = [{one.suite: one for one in measured if one.model == name} for name in names]
    common = set(found[0]).intersection(*found)
    said = ", ".join(names)
    if not common:
        on = "; ".join(
            f"{name} on {', '.join(suites) or 'none'}"
            for name, suites in zip(names, found, strict=True)
        )
        raise ConfigError(f"{where}: {said} are measured on no suite in common ({on})")
    for suite in sorted(common):
        sets = {one[suite].problems or (f"suites/{suite}",) for one in found}
        if len(sets) > 1:
            raise ConfigError(
                f"{where}: {said} answer different problems of {suite} "
                f"({'; '.join(', '.join(one) for one in sorted(sets))}); make the selection's set "
                f"of all of them, or compare what chooses from the same set"
            )
