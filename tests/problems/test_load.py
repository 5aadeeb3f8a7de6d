"""Cutting sets: where, without, part, take and salt."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reason_w2s.errors import DataError
from reason_w2s.problems.load import SOURCES, cut, identity, load, source
from reason_w2s.problems.spec import ProblemSpec
from reason_w2s.recipe.load import load_plan
from reason_w2s.records import Problem

PROBLEMS = [
    Problem(id=f"p{n}", question=f"q{n}", gold=str(n), solution=f"s{n}", level=n % 4)
    for n in range(23)
]


def ids(problems):
    return [problem.id for problem in problems]


def kept(without=(), problems=PROBLEMS, **settings):
    return ids(cut(problems, ProblemSpec(of="x", **settings), set(without)))


@given(st.integers(1, 6), st.one_of(st.none(), st.integers(0, 3)))
def test_parts_are_disjoint_and_complete(parts, salt):
    found = [kept(part=f"{k}/{parts}", salt=salt) for k in range(1, parts + 1)]
    assert sorted(one for part in found for one in part) == sorted(ids(PROBLEMS))
    assert max(map(len, found)) - min(map(len, found)) <= 1


@given(st.integers(0, 23), st.integers(0, 23), st.one_of(st.none(), st.text(max_size=3)))
def test_a_smaller_take_is_a_prefix_of_a_larger(one, two, salt):
    small, large = sorted((one, two))
    assert kept(take=large, salt=salt)[:small] == kept(take=small, salt=salt)


def test_a_salt_shuffles_by_id_alone():
    assert kept() == ids(PROBLEMS)
    assert kept(salt=0) != ids(PROBLEMS)
    assert kept(salt=0) != kept(salt=1)
    assert kept(salt=0) == kept(salt=0, problems=PROBLEMS[::-1])


def test_halves_by_the_recipes_seed(tmp_path):
    (tmp_path / "p.jsonl").write_text(json.dumps({"question": "q", "answer": "1"}))
    recipe = tmp_path / "halves.yaml"
    recipe.write_text(
        "name: halves\n"
        "models: {m: {path: a/b, prompt: qa}}\n"
        "problems:\n"
        '  one: {source: jsonl, file: p.jsonl, part: 1/2, salt: "${seed}"}\n'
        '  two: {source: jsonl, file: p.jsonl, part: 2/2, salt: "${seed}"}\n'
        "steps: {drawn: {sample: {model: m, of: [one, two]}}}\n"
    )
    halves = {}
    for seed in (0, 1):
        plan, _ = load_plan(recipe, seed=seed)
        for name in ("one", "two"):
            spec = ProblemSpec.model_validate(plan.steps[name].config)
            halves[name, seed] = set(ids(cut(PROBLEMS, spec, set())))
        assert not halves["one", seed] & halves["two", seed]
        assert halves["one", seed] | halves["two", seed] == set(ids(PROBLEMS))
    assert halves["one", 0] != halves["one", 1]


def test_where_and_without_go_before_part_and_take():
    assert kept(where={"level": {"in": [2, 3]}}, take=3) == ["p2", "p3", "p6"]
    assert kept(without=["p0", "p1"], take=2) == ["p2", "p3"]
    assert kept(where={"level": 0}, part="1/2") == ["p0", "p4", "p8"]


def test_without_labels_no_gold_is_loaded():
    spec = ProblemSpec(of="x")
    for labels, gold in (("gold", "0"), ("audit", "0"), ("none", None)):
        found = load(spec, labels=labels, seed=0, of=PROBLEMS)
        assert found[0].gold == gold
        assert (found[0].solution is None) is (gold is None)


def test_an_empty_set_is_refused():
    with pytest.raises(DataError, match="no problems left"):
        load(ProblemSpec(of="x", where={"level": 9}), labels="gold", seed=0, of=PROBLEMS)
    assert load(ProblemSpec(of="x", take=0), labels="gold", seed=0, of=PROBLEMS) == []


def test_twins_are_refused():
    with pytest.raises(DataError, match="share the id 'p0'; unique: true keeps"):
        load(ProblemSpec(of="x"), labels="gold", seed=0, of=[PROBLEMS[0], PROBLEMS[0]])


def test_unique_keeps_the_first_of_twins_before_anything_is_cut():
    twins = [replace(problem, meta={"copy": copy}) for problem in PROBLEMS for copy in (1, 2)]
    spec = ProblemSpec(of="x", unique=True, part="1/2")
    found = load(spec, labels="gold", seed=0, of=twins)
    assert ids(found) == kept(part="1/2")
    assert {problem.meta["copy"] for problem in found} == {1}


@pytest.mark.parametrize("source", ["jsonl", "math"])
def test_a_slice_and_uniqueness_are_part_of_the_identity(source, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question": "q", "answer": "1"}))
    changes = (
        {},
        {"split": "train[:1]"},
        {"split": "test"},
        {"unique": True},
        {"where": {"level": 1}},
    )
    specs = [ProblemSpec(source=source, file=str(path), **change) for change in changes]
    keys = {json.dumps(identity(spec, "gold", 0), sort_keys=True) for spec in specs}
    assert len(keys) == len(changes)


@pytest.mark.parametrize("name", SOURCES)
def test_sources_resolve(name):
    assert callable(source(name))


def test_identity_is_of_the_bytes_and_not_of_the_path(tmp_path):
    one, two = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    row = json.dumps({"question": "q", "answer": "1"})
    one.write_text(row)
    two.write_text(row)
    specs = [ProblemSpec(source="jsonl", file=str(path)) for path in (one, two)]
    assert identity(specs[0], "gold", 0) == identity(specs[1], "gold", 5)
    assert identity(specs[0], "gold", 0) != identity(specs[0], "audit", 0)
    two.write_text(row + "\n" + row)
    assert identity(specs[0], "gold", 0) != identity(specs[1], "gold", 0)


def test_the_worlds_seed_is_in_its_identity():
    spec = ProblemSpec(source="world", take=3)
    assert identity(spec, "gold", 0) != identity(spec, "gold", 1)
    first, again, other = (load(spec, labels="gold", seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert ids(first) != ids(other) or first != other


def test_the_world_leaves_out_another_set_and_still_gives_all_that_were_asked():
    paid = load(ProblemSpec(source="world", take=5), labels="gold", seed=0)
    spec = ProblemSpec(source="world", take=12, without="paid")
    rest = load(spec, labels="gold", seed=0, without=paid)
    assert len(rest) == 12
    assert not set(ids(rest)) & set(ids(paid))
