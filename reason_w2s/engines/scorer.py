"""What models say of given tokens, by plain forward passes: wherever torch runs.

A batch holds sequences of like length, padded on the right: no token sees what follows it, so no
mask is needed, and company changes a value by the last bits at most. The logits of a long batch
come in pieces, behind a key-value cache, so that no more than `LOGITS_BYTES` of them are held.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reason_w2s.engines import measures, model_folder
from reason_w2s.engines.hf import free, open_model
from reason_w2s.engines.measures import Measure
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import EngineError

if TYPE_CHECKING:
    from torch import Tensor

BATCH_TOKENS = 8192
"""Tokens of a batch, padding included; a longer sequence is a batch of its own."""
LOGITS_BYTES = 2**28
"""Bytes of float32 logits of one model held at once; a measure holds up to three times as many."""

Ids = tuple[Sequence[int], Sequence[int]]
Opened = tuple[Path | str, EngineSettings]


class HfScorer:
    """One model, or several that read the same tokens at the same time."""

    def __init__(self, model: Path | str, settings: EngineSettings, *others: Opened) -> None:
        """Raises ConfigError (no model there) or EngineError (it cannot be loaded)."""
        asked: list[Opened] = [(model, settings), *others]
        self.folders = [model_folder.resolve(place) for place, _ in asked]
        self._models: list[Any] = [
            open_model(folder, one) for folder, (_, one) in zip(self.folders, asked, strict=True)
        ]

    def logprobs(self, sequences: Sequence[Ids]) -> list[list[float]]:
        """For each (prompt ids, completion ids): a log-probability (nats) per completion token."""
        found = dict(self.measured(sequences, measures.logprobs))
        return [found[place][0] for place in range(len(sequences))]

    def measured(
        self, sequences: Sequence[Ids], measure: Measure
    ) -> Iterator[tuple[int, list[list[float]]]]:
        """(place, values `[M, completion tokens]`) of each (prompt ids, completion ids), the
        longest first; prompts have a token at least."""
        for places in batches([len(asked) + len(said) for asked, said in sequences]):
            values = self._measure([sequences[place] for place in places], measure)
            yield from zip(places, values, strict=True)

    def close(self) -> None:
        """Give the memory back. Safe to call twice."""
        self._models = []
        free()

    def _measure(self, batch: Sequence[Ids], measure: Measure) -> list[list[list[float]]]:
        import torch

        if not self._models:
            raise EngineError(f"{self.folders[0]}: this scorer is closed; open another one")
        rows = [[*asked, *said] for asked, said in batch]
        width = max(len(row) for row in rows)
        tokens = torch.tensor([row + [0] * (width - len(row)) for row in rows])
        wanted = torch.zeros_like(tokens, dtype=torch.bool)
        for at, (asked, said) in enumerate(batch):
            wanted[at, len(asked) : len(asked) + len(said)] = True
        found = []
        with torch.inference_mode():
            for start, logits in self._logits(tokens[:, :-1]):
                here = slice(start + 1, start + 1 + logits[0].shape[1])
                mask = wanted[:, here].to(logits[0].device)
                following = tokens[:, here].to(logits[0].device)[mask]
                seen = [one[mask].float() for one in logits]
                values = measure(seen, following).cpu()
                found.append((wanted[:, here].nonzero()[:, 0], values))
        return [_of_row(found, at) for at in range(len(batch))]

    def _logits(self, tokens: Tensor) -> Iterator[tuple[int, list[Tensor]]]:
        """(start, each model's logits `[B, C, V]`) of successive pieces of `[B, T]` tokens."""
        size = max(_vocabulary(model) for model in self._models)
        piece = max(1, LOGITS_BYTES // (4 * tokens.shape[0] * size))
        caches: list[Any] = [None] * len(self._models)
        several = piece < tokens.shape[1]
        for start in range(0, tokens.shape[1], piece):
            logits = []
            for place, model in enumerate(self._models):
                said = model(
                    input_ids=tokens[:, start : start + piece].to(model.device),
                    past_key_values=caches[place],
                    use_cache=several,
                )
                caches[place] = said.past_key_values if several else None
                logits.append(said.logits)
            yield start, logits


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places, the longest first, in groups of at most `BATCH_TOKENS` once padded."""
    group: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if group and (len(group) + 1) * lengths[group[0]] > BATCH_TOKENS:
            yield group
            group = []
        group.append(place)
    if group:
        yield group


def _of_row(found: list[tuple[Tensor, Tensor]], at: int) -> list[list[float]]:
    """The values of one row, piece after piece."""
    pieces = [values[:, of == at].tolist() for of, values in found]
    return [[value for one in several for value in one] for several in zip(*pieces, strict=True)]


def _vocabulary(model: Any) -> int:
    return int(model.config.get_text_config().vocab_size)
