"""What each measured model cost: all that it rests on, whoever made it.

Unlike the ledger, which charges each thing once and to the run that made it, shared work counts in
full for every model that needs it. Pretraining is left out: the methods start after it. So are
evaluation, and what takes no model (checks, choices).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from reason_w2s.recipe.plan import Plan
from reason_w2s.runs.items import Item
from reason_w2s.runs.rows import rows
from reason_w2s.runs.run import Run
from reason_w2s.runs.store import Store, cost_of, parts, read_json, read_part
from reason_w2s.stages.table import STAGES

_BASES = ("pretrain", "scratch")
Mark = tuple[str, int]


class Cost(NamedTuple):
    """seconds: of every process that worked, added up."""

    generated: int = 0
    trained: int = 0
    seconds: float = 0.0


def costs(run: Run, plan: Plan) -> Iterator[dict[str, Any]]:
    """A row per measured model: tokens generated, tokens trained (those with loss, each pass over
    them) and device-seconds."""
    prices = _Prices(run.store)
    lines = (one for one in plan.measured if one.kind in ("model", "selection"))
    for model, step in dict.fromkeys((one.model, one.step) for one in lines):
        items = [run.items[name] for name in plan.steps if name in plan.needed([step])]
        cost = prices.all_of([item for item in items if _takes_a_device(item)])
        yield {
            "model": model,
            "tokens_generated": cost.generated,
            "tokens_trained": cost.trained,
            "seconds": round(cost.seconds, 3),
        }


def _takes_a_device(item: Item) -> bool:
    stage = STAGES.get(item.stage)
    return stage is not None and stage.place != "here" and item.stage not in _BASES


class _Prices:
    """Costs of things in a store, each read once."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.drawn: dict[str, dict[Mark, Cost]] = {}

    def all_of(self, items: list[Item]) -> Cost:
        """The sum, where the same thing or the same trace under several names counts once."""
        traces: dict[Mark, Cost] = {}
        others: dict[tuple[str, str], Cost] = {}
        for item in items:
            if item.stage == "sample":
                traces |= self._traces(item)
            elif item.kind == "model":
                others[item.stage, item.key] = self._model(item)
            else:
                others[item.stage, item.key] = self._table(item)
        found = [*traces.values(), *others.values()]
        return Cost(
            sum(cost.generated for cost in found),
            sum(cost.trained for cost in found),
            sum(cost.seconds for cost in found),
        )

    def _model(self, item: Item) -> Cost:
        made = read_json(self.store.folder(item.stage, item.key) / "made.json")
        stats = made["stats"]
        return Cost(stats.get("generated", 0), stats["tokens"], made["cost"]["seconds"])

    def _table(self, item: Item) -> Cost:
        folder = self.store.folder(item.stage, item.key)
        return Cost(seconds=sum(cost_of(part).seconds for part in parts(folder)))

    def _traces(self, item: Item) -> dict[Mark, Cost]:
        if item.digest not in self.drawn:
            self.drawn[item.digest] = dict(self._drawn(item))
        return self.drawn[item.digest]

    def _drawn(self, item: Item) -> Iterator[tuple[Mark, Cost]]:
        """Each trace of the step with its share of the time its part took, by tokens."""
        owed = {(row.trace.key, row.trace.max_tokens or 0) for row in rows(self.store, item, ())}
        for part in parts(self.store.folder(item.stage, item.key)):
            columns = read_part(part, ["key", "max_tokens", "n_tokens"]).to_pydict()
            # an empty response is still asked for
            each = (
                cost_of(part).seconds / (sum(columns["n_tokens"]) + len(columns["key"]))
                if columns["key"]
                else 0.0
            )
            for key, limit, tokens in zip(*columns.values(), strict=True):
                if (key, limit) in owed:
                    yield (key, limit), Cost(tokens, 0, each * (tokens + 1))
