"""The engine without a model."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from reason_w2s.engines import EngineSettings, Request, Sampling, open_sampler
from reason_w2s.errors import ConfigError, DataError
from reason_w2s.prompts import Rendered
from reason_w2s.records import Problem

PROBLEM = Problem(
    id="p",
    question="Tom has 3 apples and gets 4 more . How many ?",
    gold="7",
    solution="3 + 4 is 7 so Tom has 7 apples in all .",
)


def asked(count: int, **settings: object) -> list[Request]:
    sampling = Sampling(**{"max_tokens": 200, **settings})
    return [
        Request(f"k{i}", Rendered("Question : Tom ?", True), sampling, 0, PROBLEM)
        for i in range(count)
    ]


def draw(requests: list[Request]) -> dict[str, object]:
    sampler = open_sampler("fake", "anything", EngineSettings())
    return {done.key: done for done in sampler.sample(requests)}


def test_the_mix() -> None:
    done = draw(asked(2000)).values()
    kinds = Counter(
        "empty"
        if not c.text
        else "right"
        if "boxed{7}" in c.text
        else "wrong"
        if "boxed{" in c.text
        else c.finish_reason
        for c in done
    )
    expected = {"right": 800, "wrong": 600, "length": 360, "stop": 160, "empty": 80}
    for kind, count in expected.items():
        assert abs(kinds[kind] - count) < 80, kinds


def test_the_same_request_gives_the_same_in_any_order() -> None:
    requests = asked(50)
    assert draw(requests) == draw(requests[::-1])


def test_the_seed_matters() -> None:
    first = asked(50)
    second = [Request(r.key, r.rendered, r.sampling, 1, r.problem) for r in first]
    assert draw(first) != draw(second)


def test_limits_are_kept() -> None:
    for done in draw(asked(300, max_tokens=5, stop=("Tom",))).values():
        assert done.n_tokens == len(done.text.split()) <= 5
        assert "Tom" not in done.text
        assert done.n_prompt == 4


def test_wrong_answers_to_choices_are_other_letters() -> None:
    choice = Problem(id="c", question="Which ?", gold="B", options=("x", "y", "z"))
    requests = [Request(str(i), Rendered("?", True), Sampling(), i, choice) for i in range(200)]
    boxed = {c.text.split("boxed{")[1][0] for c in draw(requests).values() if "boxed{" in c.text}
    assert boxed == {"A", "B", "C"}


def test_a_problem_is_needed() -> None:
    with pytest.raises(DataError, match="k: the fake engine needs"):
        draw([Request("k", Rendered("?", True), Sampling(), 0)])


def test_unknown_engine() -> None:
    with pytest.raises(ConfigError, match="unknown engine 'sglang'"):
        open_sampler("sglang", "m", EngineSettings())  # type: ignore[arg-type]


def test_it_loads_no_torch() -> None:
    code = (
        "import sys; from reason_w2s.engines import *; "
        "open_sampler('fake', 'm', EngineSettings()); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
