"""One request per sample, each with a seed and an identity of its own."""

from __future__ import annotations

from reason_w2s.engines.fake import FakeSampler
from reason_w2s.engines.protocols import Completion, Sampling
from reason_w2s.prompts import Rendered
from reason_w2s.records import Problem
from reason_w2s.stages.sample import derive_seed, requests, sample, trace_key

PROBLEMS = [Problem(id=str(n), question=f"What is {n} + 1?", gold=str(n + 1)) for n in range(5)]


def asked(problems=PROBLEMS, n=3, identity="i", seed=0):
    wanted = [
        (problem, Rendered(problem.question, special=True), index)
        for problem in problems
        for index in range(n)
    ]
    found = list(requests(wanted, Sampling(n=n, max_tokens=50), identity, seed))
    return found, {one.key: index for one, (_, _, index) in zip(found, wanted, strict=True)}


def test_seeds_differ_by_problem_index_and_seed_and_repeat():
    seeds = {derive_seed(s, p, i) for s in (0, 1) for p in ("a", "b") for i in range(50)}
    assert len(seeds) == 200
    assert derive_seed(0, "a", 3) == derive_seed(0, "a", 3)
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_keys_depend_on_identity_problem_question_and_index():
    first = PROBLEMS[0]
    others = [
        trace_key("j", first, 0),
        trace_key("i", PROBLEMS[1], 0),
        trace_key("i", Problem(id="0", question="Other?"), 0),
        trace_key("i", first, 1),
    ]
    assert trace_key("i", first, 0) not in others
    assert len(set(others)) == 4
    # the gold is not part of what was asked
    assert trace_key("i", Problem(id="0", question=first.question), 0) == trace_key("i", first, 0)


def test_order_and_sharding_change_no_trace():
    found, indices = asked()
    whole = {one.key: one for one in sample(found, FakeSampler(), model="m", indices=indices)}
    assert len(whole) == 15
    shards = [found[::-1][:7], found[::-1][7:]]
    parts = [
        one for part in shards for one in sample(part, FakeSampler(), model="m", indices=indices)
    ]
    assert {one.key: one for one in parts} == whole


def test_a_trace_says_where_it_comes_from():
    found, indices = asked(n=2)
    for trace in sample(found, FakeSampler(), model="m", indices=indices):
        assert trace.model == "m"
        assert trace.index in (0, 1)
        assert trace.max_tokens == 50
        assert trace.key == trace_key("i", PROBLEMS[int(trace.problem_id)], trace.index)


def test_completions_may_come_in_any_order():
    class Backwards:
        def sample(self, wanted):
            for one in reversed(list(wanted)):
                yield Completion(one.key, one.problem.id, None, "stop", 1, 1)

        def close(self):
            pass

    found, indices = asked()
    traces = list(sample(found, Backwards(), model="m", indices=indices))
    assert [trace.text for trace in traces] == [trace.problem_id for trace in traces]
    assert [trace.key for trace in traces] == [one.key for one in reversed(found)]
