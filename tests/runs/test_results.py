"""What a run says of what it measured: read back from its rows and recomputed by hand."""

from __future__ import annotations

import json
from math import comb

import pyarrow.parquet as pq
import pytest

from reason_w2s.runs.results import compute, results
from tests.runs.small import RECIPE, SUITE, project, run

MEASURED = RECIPE.replace("models:\n", "models:\n  strong: {path: nobody/strong, prompt: qa}\n", 1)
EVALUATE = """\
evaluate:
  suites: [suite.yaml]
  models: {weak: weak, strong: strong, best: best}
  compare: [[strong, weak]]
  gaps:
    gain: {floor: weak, reached: strong}
    share: {floor: weak, reached: strong, ceiling: best}
    rgr: {base: weak, reached: strong, ceiling: best, ceiling_by: rl}
    gold: {base: weak, reached: strong, ceiling: best, ceiling_by: gold_sft}
  controls: {headroom: strong}
"""
N = 4


@pytest.fixture
def measured(tmp_path):
    models = "models:\n  best: {path: nobody/best, prompt: qa}\n"
    path = project(tmp_path, MEASURED.replace("models:\n", models, 1) + EVALUATE, n=40)
    suite = SUITE.replace("take: 5", "take: 30")
    suite = suite.replace("max_tokens: 64", f"max_tokens: 64, n: {N}, temperature: 1.0")
    (tmp_path / "suite.yaml").write_text(suite)
    return run(path)


def marks(folder, model):
    """Problem id -> verdicts, from the rows file alone."""
    found: dict[str, list[bool]] = {}
    for row in pq.read_table(folder / "rows.parquet").to_pylist():
        if row["model"] == model:
            found.setdefault(row["problem_id"], []).append(row["correct"] is True)
    return found


def test_every_number_of_a_score_comes_out_of_the_rows_file(measured):
    found = results(measured)
    for score in found["scores"]:
        right = marks(measured.folder, score["model"])
        assert score["n"] == 30
        assert score["samples"] == 30 * N
        assert score["accuracy"] == pytest.approx(sum(map(sum, right.values())) / (30 * N))
        assert {len(some) for some in right.values()} == {N}
        for point in score["curves"]["pass"]:
            k = point["k"]
            by_hand = [1 - comb(N - sum(some), k) / comb(N, k) for some in right.values()]
            assert point["value"] == pytest.approx(sum(by_hand) / 30)
            assert point["low"] <= point["value"] <= point["high"]
        for name in ("average", "majority"):
            assert [point["k"] for point in score["curves"][name]] == [1, 2, 4]
        assert score["curves"]["average"][-1]["value"] == pytest.approx(score["accuracy"])
        assert score["key"] == measured.items[f"eval/{score['model']}/suite/graded"].key[:12]


def test_flips_and_difference_come_out_of_the_rows_file(measured):
    (one,) = results(measured)["comparisons"]
    strong, weak = marks(measured.folder, "strong"), marks(measured.folder, "weak")
    assert one["wins"] == [name for name in strong if sum(strong[name]) > sum(weak[name])]
    assert one["losses"] == [name for name in strong if sum(strong[name]) < sum(weak[name])]
    difference = sum(sum(strong[name]) - sum(weak[name]) for name in strong) / (30 * N)
    assert one["difference"] == pytest.approx(difference)
    assert "strong against weak" in one["sentence"]


def test_each_gap_goes_by_its_own_name_and_is_refused_where_there_is_none(measured):
    gaps = {gap["name"]: gap for gap in results(measured)["gaps"]}
    assert gaps["gain"]["measure"] == "gain"
    assert gaps["gain"]["value"] is not None
    for name, measure in {
        "share": "PGR",
        "rgr": "RGR",
        "gold": "share of the gold-SFT gain",
    }.items():
        gap = gaps[name]
        assert gap["measure"] == measure
        # the fake engine asks no model: all three are one
        assert gap["value"] is None
        assert "there is no gap to recover" in gap["refused"]
        assert gap["accuracies"]["ceiling"] is not None
        assert measure in gap["sentence"]


def test_controls_that_were_not_measured_say_so(measured):
    roles = {one["role"]: one["model"] for one in results(measured)["controls"]}
    assert roles == {"headroom": "strong", "own_gold": None, "self_distilled": None}


def test_pairs_say_how_much_length_tells(measured):
    (one,) = results(measured)["lengths"]
    pairs, rows = measured.pairs("pairs")
    longer = [
        (rows[a.chosen].trace.n_tokens > rows[b.rejected].trace.n_tokens)
        + (rows[a.chosen].trace.n_tokens == rows[b.rejected].trace.n_tokens) / 2
        for a in pairs
        for b in pairs
    ]
    assert one["auc"] == pytest.approx(sum(longer) / len(longer))
    assert one["pairs"] == len(pairs)


def test_what_a_kept_example_cost(measured):
    kept = {one["step"]: one for one in results(measured)["ledger"]["kept"]}
    drawn = measured.items["drawn"].counts["tokens"]
    examples = measured.items["chosen"].counts["out"]
    assert kept["chosen"]["tokens"] == pytest.approx(drawn / examples)


def test_computing_writes_nothing_and_says_the_same(measured):
    assert not (measured.folder / "results.json").exists()
    found = compute(measured)
    assert not (measured.folder / "results.json").exists()
    results(measured)
    written = json.loads((measured.folder / "results.json").read_text())
    assert written == json.loads(json.dumps(found))


def test_the_rows_file_is_written_once_and_again_when_the_rows_change(measured):
    results(measured)
    path = measured.folder / "rows.parquet"
    before = path.stat().st_mtime_ns
    results(measured)
    assert path.stat().st_mtime_ns == before
    again = run(measured.folder.parents[1] / "small.yaml", "suites.suite.sampling.n=2")
    results(again)
    assert pq.read_metadata(path).num_rows == 3 * 30 * 2
