"""The same tiny model and prompts through lm-eval's GSM8K task and through ours."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
N, TOKENS = 24, 48
pytestmark = [pytest.mark.slow, pytest.mark.torch, pytest.mark.timeout(1800)]


def bench():
    # by its path: a folder of programs is no package
    path = ROOT / "eval" / "bench" / "lm_eval_parity.py"
    spec = importlib.util.spec_from_file_location("lm_eval_parity", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BENCH = bench()


@pytest.fixture(scope="module")
def case():
    return BENCH.world(N, tokens=250_000, updates=100)


@pytest.fixture(scope="module")
def model(case, tmp_path_factory):
    """One that answers in steps, each problem otherwise, and is mostly wrong."""
    pytest.importorskip("lm_eval")
    pytest.importorskip("torch")
    return BENCH.teach(case, tmp_path_factory.mktemp("model"))


def check(found, shots):
    assert (found["n"], found["shots"]) == (N, shots)
    for name in BENCH.FILTERS:
        one = found[name]
        assert one["same_prompt"] == N
        assert one["first_apart"] == []
        assert (one["same_response"], one["same_verdict"]) == (N, N)
        assert one["ours"] == one["theirs"]


@pytest.mark.parametrize("shots", [0, 1])
def test_plain_generate_gives_the_same_responses_and_scores(case, model, tmp_path, shots):
    train = case.problems[-shots:] if shots else []
    found = BENCH.measure(model, case.problems, train, tmp_path, "hf", TOKENS)
    check(found, shots)
    # what is compared says something: the responses differ from each other
    assert found["responses"] > N / 2


@pytest.mark.vllm
def test_vllm_gives_the_same_responses_and_scores(case, model, tmp_path):
    pytest.importorskip("vllm")
    check(BENCH.measure(model, case.problems, [], tmp_path, "vllm", TOKENS), 0)


def test_the_task_is_lm_evals_own_with_other_data(case, tmp_path):
    pytest.importorskip("lm_eval")
    assert all("#### " in one["answer"] for one in case.problems)
    tasks = BENCH.task(tmp_path, case.problems, [])
    written = json.loads((tasks / f"{BENCH.TASK}.yaml").read_text())
    assert Path(written["include"]).name == "gsm8k.yaml"
