"""Two files of graded rows against each other, by hand and from the command line."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reason_w2s.errors import ConfigError, DataError
from reason_w2s.evaluate.samples import Columns
from reason_w2s.evaluate.statistics import mcnemar_exact
from reason_w2s.evaluate.versus import lines, versus
from tests.runs.small import main


def jsonl(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return str(path)


def rows(right, **more):
    return [{"problem_id": f"p{i}", "correct": one, **more} for i, one in enumerate(right)]


def compared(a, b, suites=(), columns=None):
    return versus(a, b, columns=columns or Columns(), suites=suites, seed=0)


@pytest.fixture
def pair(tmp_path):
    a = jsonl(tmp_path / "a.jsonl", rows([1] * 60 + [0] * 40, answer="7", question="How many?"))
    b = jsonl(tmp_path / "b.jsonl", rows([1] * 40 + [0] * 55 + [1] * 5, answer="8"))
    return a, b


def test_two_files_with_ids_and_verdicts_are_enough(pair):
    (one,) = compared(*pair)
    assert (one["n"], len(one["wins"]), len(one["losses"])) == (100, 20, 5)
    assert one["difference"] == pytest.approx(0.15)
    assert one["p"] == mcnemar_exact(20, 5)
    assert one["outcome"] == "above"
    assert one["sentence"].startswith(f"{pair[0]} is above {pair[1]} by 15.0 points")
    assert one["scores"]["a"]["accuracy"] == 0.6
    assert [flip["problem_id"] for flip in one["flips"]["losses"]] == [
        f"p{i}" for i in range(95, 100)
    ]


def test_the_same_rows_are_within_noise_of_themselves(pair):
    (one,) = compared(pair[0], pair[0])
    assert (one["outcome"], one["difference"], one["p"]) == ("within noise", 0.0, 1.0)


def test_lines_name_each_flip_with_both_answers_and_count_the_rest(pair):
    said = list(lines(compared(*pair), flips=2))
    assert sum("said 7" in line and "said 8" in line for line in said) == 4
    assert any("18 more" in line for line in said)
    assert any("60.0% [" in line and "n = 100" in line for line in said)


def test_the_order_of_rows_and_samples_per_problem_do_not_matter(tmp_path):
    many = [one for i in range(4) for one in rows([1, i < 1, 0], index=i)]
    a = jsonl(tmp_path / "a.jsonl", many)
    b = jsonl(tmp_path / "b.jsonl", reversed(rows([1, 0, 1])))
    (one,) = compared(a, b)
    assert one["n"] == 3
    assert one["difference"] == pytest.approx((0 + 0.25 - 1) / 3)
    assert one["scores"]["a"]["samples"] == 12
    assert any("n = 3 x 4" in line for line in lines([one], flips=0))


def test_parquet_and_other_names_for_the_columns(tmp_path, pair):
    given = [{"doc_id": i, "exact_match": float(i < 60)} for i in range(100)]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(given), path)
    other = jsonl(tmp_path / "c.jsonl", given)
    (one,) = compared(str(path), other, columns=Columns("doc_id", "exact_match"))
    assert (one["difference"], one["scores"]["b"]["accuracy"]) == (0.0, 0.6)


def test_suites_are_compared_each_on_its_own(tmp_path):
    a = jsonl(tmp_path / "a.jsonl", rows([1, 1], suite="x") + rows([0, 0], suite="y"))
    b = jsonl(tmp_path / "b.jsonl", rows([0, 1], suite="y") + rows([1, 1], suite="x"))
    assert [one["suite"] for one in compared(a, b)] == ["x", "y"]
    assert [one["suite"] for one in compared(a, b, suites=["y"])] == ["y"]
    with pytest.raises(ConfigError, match=r"no suite 'z' \(there are: x, y\)"):
        compared(a, b, suites=["z"])


def test_a_file_of_several_models_needs_a_name(tmp_path):
    both = rows([1, 0], model="one") + rows([1, 1], model="two")
    path = jsonl(tmp_path / "rows.jsonl", both)
    with pytest.raises(ConfigError, match=r"say which, for example .*:one \(there are: one, two\)"):
        compared(path, path)
    (one,) = compared(f"{path}:two", f"{path}:one")
    assert (one["a"], one["b"], one["wins"]) == ("two", "one", ["p1"])
    with pytest.raises(ConfigError, match="no model 'three'"):
        compared(f"{path}:three", f"{path}:one")


MISTAKES = {
    "other problems": ({"problem_id": "q", "correct": 1}, "not scored for every model"),
    "no verdict": ({"problem_id": "p0"}, "a.jsonl:1: no column 'correct' .* name it: --correct"),
    "no id": ({"correct": True}, "no column 'problem_id' .* name it: --id"),
    "verdict in words": ({"problem_id": "p0", "correct": "yes"}, "'yes'; expected true"),
}


@pytest.mark.parametrize(("row", "says"), MISTAKES.values(), ids=list(MISTAKES))
def test_mistakes_end_in_one_line(tmp_path, row, says):
    a = jsonl(tmp_path / "a.jsonl", [row])
    b = jsonl(tmp_path / "b.jsonl", rows([1]))
    with pytest.raises(DataError, match=says):
        compared(a, b)


def test_no_such_run(tmp_path):
    (tmp_path / "run").mkdir()
    for given, says in (("nowhere", "neither a run's folder"), ("run", "reason-w2s report")):
        with pytest.raises(ConfigError, match=says):
            compared(str(tmp_path / given), str(tmp_path / given))


def test_the_command_says_it_in_lines_and_in_json(pair, monkeypatch, capsys):
    code, said, _ = main(["eval", "compare", *pair, "--flips", "1"], monkeypatch, capsys)
    assert code == 0
    assert "is above" in said.splitlines()[0]
    assert "19 more" in said
    code, said, _ = main(["eval", "compare", *pair, "--json"], monkeypatch, capsys)
    assert json.loads(said)[0]["outcome"] == "above"


def test_eval_of_a_checkpoint_is_still_eval(monkeypatch, capsys, tmp_path):
    code, _, error = main(["eval", str(tmp_path), "--suite", "world"], monkeypatch, capsys)
    assert (code, str(tmp_path) in error) == (2, True)
    code, said, _ = main(["eval", "--help"], monkeypatch, capsys)
    assert code == 0
    assert "--suite" in said
    assert "eval compare" in said
