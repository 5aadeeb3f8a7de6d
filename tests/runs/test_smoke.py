"""A smoke run starts from nothing, and does not pass over failed responses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import DataError
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.runs.items import Item
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.run import Run
from reason_w2s.runs.smoke import fitting, refuse_failed, start_over
from reason_w2s.runs.store import Store


def test_a_smoke_run_starts_from_nothing_and_touches_nothing_else(tmp_path):
    for name in ("run", "store", "mine"):
        (tmp_path / "smoke" / name).mkdir(parents=True)
    place = start_over(tmp_path / "smoke")
    assert place == tmp_path / "smoke" / "run"
    assert [path.name for path in place.parent.iterdir()] == ["mine"]
    assert start_over(tmp_path / "new") == tmp_path / "new" / "run"


def test_a_tiny_model_is_cut_into_two_pieces_at_most():
    for asked, given in ((1, 1), (2, 2), (8, 2)):
        profile = Profile(engine=EngineSettings(tensor_parallel_size=asked, max_num_seqs=7))
        engine = fitting(profile).engine
        assert (engine.tensor_parallel_size, engine.max_num_seqs) == (given, 7)


def test_failed_responses_fail_the_smoke_run(tmp_path, monkeypatch):
    trace = Trace(
        key="k",
        problem_id="p",
        model="m",
        index=0,
        text="the prompt has 900 tokens",
        finish_reason="error",
        n_prompt=900,
        n_tokens=0,
    )
    rows = [Row(trace, Problem(id="p", question="q"))]
    monkeypatch.setattr(Run, "rows", lambda self, name: iter(rows))
    item = Item("drawn", "sample", "traces", "k", "d", counts={"finish": {"stop": 9, "error": 1}})
    with pytest.raises(DataError, match="drawn: 1 of its responses failed: the prompt has 900"):
        refuse_failed(Run(tmp_path, Store(tmp_path), {"drawn": item}))
    whole = replace(item, counts={"finish": {"stop": 9, "length": 1}})
    refuse_failed(Run(tmp_path, Store(tmp_path), {"drawn": whole}))
