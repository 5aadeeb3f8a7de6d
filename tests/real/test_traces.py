"""Every file of real traces through the stages: nothing is lost, nothing wrong is chosen."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reason_w2s.records import Row
from tests.answers.shared_data import SHARED, rows
from tests.real import flow

SETS = SHARED / "data" / "sets"
BY_ID = {"id": "qid", "model": "model"}
BY_QUESTION = {"question": "question", "model": "model"}

GSM8K = {"test": {"source": "gsm8k", "split": "test", "file": str(SETS / "gsm8k_test.jsonl.gz")}}
MATH = {
    "train": {"source": "math", "file": str(SETS / "math_train.jsonl.gz")},
    "math_test": {"source": "math", "split": "test", "file": str(SETS / "math_test.jsonl.gz")},
}


class File(NamedTuple):
    """A trace file: what the data's README says of it, and what we find.

    accuracy: the share that its source recorded as correct; None: it recorded none. right: the
    share that is correct for us. agree: the share of recorded verdicts that is ours as well, at
    least. ungraded: rows whose problem has no gold answer.
    """

    rows: int
    models: int
    accuracy: float | None
    right: float
    agree: float = 0.0
    problems: dict[str, Any] = GSM8K
    kind: str = "number"
    ungraded: int = 0


FILES = {
    "openai_gsm8k_gpt3": File(5276, 4, 0.379, 0.379, 1.0),
    # recorded right against 2: "#### 2.25"; against 1: "#### 1.08"
    "gsmplus_gsm8k_outputs": File(7913, 6, 0.765, 0.765, 0.996),
    # recorded right by a number somewhere in a thought that was cut off, recorded wrong for
    # \boxed{\$2} against 2
    "hawkeye_gsm8k_r1distill": File(2638, 2, 0.836, 0.838, 0.95),
    "yks23_gsm8k": File(7914, 6, None, 0.812),
    "abel_gsm8k_robust": File(2638, 2, 0.700, 0.700, 0.999),
    # 44 of its golds are no answers; 43 read "Let's think step by step."
    "mr_gsm8k_annotated_subset": File(323, 1, 0.025, 0.015, 0.98),
    # its golds lost letters: \infty is \iny, 18\text{ ways.} is 18
    "gair_w2s_math": File(5971, 4, 0.269, 0.277, 0.98, MATH, "auto", ungraded=2),
    "qwen_math_cot_100x8": File(800, 1, 0.910, 0.921, 0.985, MATH, "auto"),
    "rho_math": File(7276, 4, 0.536, 0.536, 0.99, {**GSM8K, **MATH}, "auto"),
}
LONG = ("gsmplus_gsm8k_outputs", "yks23_gsm8k", "rho_math")
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in FILES]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Where the runs of this module share a store, so that each problem set is loaded once."""
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_what_its_readme_says(name):
    said, found = FILES[name], rows(f"traces/{name}.jsonl.gz")
    assert len(found) == said.rows
    assert len({row["model"] for row in found}) == said.models
    recorded = [row["recorded_correct"] for row in found if "recorded_correct" in row]
    assert len(recorded) == (0 if said.accuracy is None else said.rows)
    if said.accuracy is not None:
        assert sum(recorded) / said.rows == pytest.approx(said.accuracy, abs=0.001)


@pytest.mark.parametrize("name", NAMES)
def test_traces_go_through_the_stages(name, runs):
    said, file = FILES[name], rows(f"traces/{name}.jsonl.gz")
    problems, imports = _sources(name, file, runs)
    done = flow.run(flow.recipe(name, problems, imports, said.kind), runs)
    checked = flow.conserved(done, imports)
    assert len(checked) == said.rows
    ungraded = [row for row in checked.values() if row.columns["graded.status"] is None]
    assert len(ungraded) == said.ungraded
    assert {row.trace.model for row in checked.values()} == {row["model"] for row in file}
    flow.chosen_are_sound(done, checked)
    flow.pairs_are_right_against_wrong(done, checked)
    right = {key for key, row in checked.items() if row.columns["graded.correct"] is True}
    assert len(right) / len(checked) == pytest.approx(said.right, abs=0.01)
    recorded = _recorded(checked, file)
    assert set(recorded) == (set() if said.accuracy is None else set(checked))
    same = sum(verdict is (key in right) for key, verdict in recorded.items())
    assert same >= said.agree * len(recorded)


def _sources(name: str, file: list[dict[str, Any]], folder: Path) -> tuple[Any, Any]:
    """The file's problem sets and imports. Rows without the id of a known problem ask their own
    questions, which become a set of their own and are matched by their text."""
    path = str(SHARED / "data" / "traces" / f"{name}.jsonl.gz")
    problems = dict(FILES[name].problems)
    imports = {"known": {"file": path, "columns": BY_ID}}
    own = [row for row in file if "qid" not in row]
    if own:
        asked = folder / f"{name}.jsonl"
        lines = [json.dumps({key: row[key] for key in ("question", "gold")}) for row in own]
        asked.write_text("\n".join(lines) + "\n")
        columns = {"gold": "gold"}
        problems["own"] = {"source": "jsonl", "file": str(asked), "columns": columns}
        problems["own"]["unique"] = True
        imports["changed"] = {"file": path, "columns": BY_QUESTION}
    return problems, imports


def _recorded(checked: dict[str, Row], file: list[dict[str, Any]]) -> dict[str, bool]:
    """The source's verdict on each trace, found by its place among its problem's rows."""
    by_problem = defaultdict(list)
    for one in file:
        by_problem[one.get("qid") or one["question"]].append(one)
    found = {}
    for key, row in checked.items():
        rows_there = by_problem.get(row.problem.id) or by_problem[row.problem.question]
        origin = rows_there[row.trace.index]
        assert (origin["response"], origin["model"]) == (row.trace.text, row.trace.model)
        if "recorded_correct" in origin:
            found[key] = origin["recorded_correct"]
    return found
