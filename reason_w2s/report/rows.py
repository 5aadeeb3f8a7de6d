"""Rows of results, told apart: the recipe's own steps, and those that only measure models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Rows = list[Mapping[str, Any]]

TOKENS = ("tokens_generated", "tokens_shared", "tokens_trained", "tokens_scored")
_MEASURING = ("eval/", "suites/", "overlap/")


def own(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """The rows of steps that the recipe names."""
    return [row for row in rows if not _is_measuring(row)]


def measuring(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """The rows of steps that load a suite, sample a model on it or grade the samples."""
    return [row for row in rows if _is_measuring(row)]


def choosing(rows: Iterable[Mapping[str, Any]]) -> Rows:
    """The rows of own steps that may drop something, or did."""
    return [row for row in own(rows) if row["stage"] in ("select", "pair") or row.get("dropped")]


def suites(results: Mapping[str, Any]) -> list[str]:
    """Suite names in the order they are declared, then any that only scores mention."""
    named = [row["name"] for row in results.get("suites") or []]
    scored = [row["suite"] for row in results.get("scores") or []]
    return list(dict.fromkeys([*named, *scored]))


def cost(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One row for many of the ledger: tokens and seconds summed, the largest peak memory."""
    listed = list(rows)
    summed = {key: sum(row.get(key) or 0 for row in listed) for key in (*TOKENS, "seconds")}
    peaks = [row["peak_memory_mib"] for row in listed if row.get("peak_memory_mib") is not None]
    return {**summed, "peak_memory_mib": max(peaks, default=None)}


def labelled(scores: Iterable[Mapping[str, Any]]) -> Rows:
    """One row for each model: the labels it cost are the same on every suite."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in scores:
        found.setdefault(row["model"], row)
    return list(found.values())


def curve_at(score: Mapping[str, Any], name: str, k: int) -> Mapping[str, Any]:
    """The point of a score's curve at `k`; empty where it has none."""
    found = (score.get("curves") or {}).get(name) or []
    return next((row for row in found if row["k"] == k), {})


def _is_measuring(row: Mapping[str, Any]) -> bool:
    return str(row["step"]).startswith(_MEASURING)
