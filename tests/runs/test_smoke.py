"""A smoke run starts over once it has passed, and does not pass over failed responses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reason_w2s.errors import DataError
from reason_w2s.records import Problem, Row, Trace
from reason_w2s.runs.items import Item
from reason_w2s.runs.run import Run
from reason_w2s.runs.smoke import refuse_failed, start_over
from reason_w2s.runs.store import Store


def stopped(folder, *, complete: bool):
    run = folder / "run"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text(json.dumps({"complete": complete}))
    (folder / "store").mkdir()
    return run


def test_what_passed_starts_over_and_what_stopped_goes_on(tmp_path):
    assert start_over(tmp_path / "new") == tmp_path / "new" / "run"
    for complete in (True, False):
        run = stopped(tmp_path / str(complete), complete=complete)
        assert start_over(run.parent) == run
        assert run.parent.exists() is not complete


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
