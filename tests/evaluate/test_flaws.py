"""What eval/bench/flaws.py counts, by hand."""

import gzip
import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def bench():
    # by its path: a folder of programs is no package
    path = ROOT / "eval" / "bench" / "flaws.py"
    spec = importlib.util.spec_from_file_location("bench_flaws", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FLAWS = bench()


def written(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)


def test_verifiers_of_a_small_set(tmp_path):
    texts = {"weak": "So 2.\n#### 2", "a": "1 + 1 = 2\n#### 2", "b": "1 + 1 = 3\n#### 3"}
    rows = [
        {"id": f"{model}-q", "qid": "q", "model": model, "gold": "2", "response": text}
        for model, text in texts.items()
    ]
    recorded = {"weak": True, "a": False, "b": True}
    rows = [{**row, "recorded_correct": recorded[row["model"]]} for row in rows]
    written(tmp_path / "traces" / "some.jsonl.gz", rows)
    solution = "1 + 1 = <<1+1=2>>2\n#### 2"
    written(tmp_path / "sets" / "gsm8k_test.jsonl.gz", [{"id": "q", "solution": solution}])
    source = FLAWS.Source("some", "number", "gsm8k_test", "weak")
    ((a, b),) = FLAWS.samples(tmp_path, source)
    assert (a.right, a.steps) == (True, 1)
    assert a.accepted == {"steps": True, "source": False, "same_answer": True}
    assert not b.right
    assert b.accepted == {"steps": False, "source": True, "same_answer": False}
    counts = FLAWS.tried([a, b], "source")
    assert (counts.drawn, counts.accepted, counts.accepted_right, counts.right) == (2, 1, 0, 1)
    found = FLAWS.measure([[a, b]], "same_answer")
    assert found["verified"]["points"][1]["accuracy"] == 1.0
    assert found["by_steps"] == []  # too few problems of a kind
    assert found["model"]["values"]["1"] == pytest.approx(0.5)
