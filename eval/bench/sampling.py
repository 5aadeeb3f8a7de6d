"""How much our sampler costs over bare vLLM: the same requests, the same engine settings, one run.

    python eval/bench/sampling.py CHECKPOINT [--requests 500 1000 2000] [--rounds 3] [--out FILE]
    python eval/bench/sampling.py --size tiny [...]

Prints one JSON object: per number of requests, tokens per second of `vllm.LLM.generate` and of
`VllmSampler.sample`, and their ratio per round (ours / bare; 1 means no cost), told apart: `seeded`
(each request has a seed of its own, as ours always draws) and `greedy` (temperature 0, no seeds).
`unseeded` is bare vLLM at the same temperature without seeds: what seeds cost vLLM itself. Both
sides tokenise prompts and build parameters within the time. vLLM takes one engine per process at a
time, so the bare rounds come first. Texts must agree, or it fails. `--size` takes a random model of
bench/training.py instead, whose answers are all as long as they may be. On a CPU our engine works
in this process and bare vLLM's in another beside it; VLLM_ENABLE_V1_MULTIPROCESSING=1 sets both
apart, 0 neither.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from training import SIZES, make_model
from usage import cores, keep

from reason_w2s.engines.model_folder import load_prompt, load_tokenizer
from reason_w2s.engines.protocols import Request, Sampling
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.engines.sizes import parameters
from reason_w2s.engines.vllm import VllmSampler, _params
from reason_w2s.problems.world import problems
from reason_w2s.prompts import encode, load, render

PROCESSES = "VLLM_ENABLE_V1_MULTIPROCESSING"
Timed = tuple[float, dict[str, str], int]
"""(seconds, texts by key, tokens) of a round."""


def requests(checkpoint: Path, count: int, temperature: float) -> list[Request]:
    """World problems, each asked once with a seed of its own (at temperature 0 none is used)."""
    prompt = load_prompt(checkpoint) or load("world")
    sampling = Sampling(temperature=temperature, max_tokens=64)
    asked = problems("dev", take=count, seed=0)
    return [
        Request(str(number), render(prompt, problem), sampling, seed=number)
        for number, problem in enumerate(asked)
    ]


def ours(sampler: VllmSampler, asked: list[Request]) -> Timed:
    """One round of `VllmSampler.sample`."""
    start = time.perf_counter()
    found = list(sampler.sample(asked))
    seconds = time.perf_counter() - start
    return seconds, {one.key: one.text for one in found}, sum(one.n_tokens for one in found)


class Bare:
    """`LLM.generate` with the engine settings of ours."""

    def __init__(self, checkpoint: Path) -> None:
        from vllm import LLM

        self.tokenizer = load_tokenizer(checkpoint)
        self.llm = LLM(
            str(checkpoint),
            dtype="float32",
            enforce_eager=True,
            enable_chunked_prefill=False,
            max_num_batched_tokens=4096,
            max_num_seqs=256,
            kv_cache_memory_bytes=2**30,
        )

    def round(self, asked: list[Request], *, seeds: bool = True) -> Timed:
        """One round; without `seeds` one set of parameters serves all."""
        start = time.perf_counter()
        prompts = [{"prompt_token_ids": encode(one.rendered, self.tokenizer)} for one in asked]
        parameters = [_params(one, EngineSettings()) for one in (asked if seeds else asked[:1])]
        if not seeds:
            parameters[0].seed = None
        given = parameters if seeds else parameters[0]
        outputs = self.llm.generate(prompts, given, use_tqdm=False)
        seconds = time.perf_counter() - start
        texts = {one.key: out.outputs[0].text for one, out in zip(asked, outputs, strict=True)}
        return seconds, texts, sum(len(out.outputs[0].token_ids) for out in outputs)

    def close(self) -> None:
        """Give the memory back."""
        self.llm.llm_engine.engine_core.shutdown()


def side(draw: Callable[[list[Request]], Timed], asked: list[Request], rounds: int) -> list[Timed]:
    """So many rounds after one that warms."""
    return [draw(asked) for _ in range(rounds + 1)][1:]


def compared(plain: list[Timed], own: list[Timed]) -> dict[str, Any]:
    """Both sides' pace. The tokens are ours of one round, so that an end token counts for none."""
    if any(texts != plain[0][1] for _, texts, _ in own):
        raise SystemExit("the two gave different texts")
    tokens = own[0][2]
    return {
        "tokens": tokens,
        "bare_tokens_per_s": round(statistics.mean(tokens / seconds for seconds, _, _ in plain)),
        "ours_tokens_per_s": round(statistics.mean(tokens / seconds for seconds, _, _ in own)),
        "ours_over_bare": [round(a[0] / b[0], 3) for a, b in zip(plain, own, strict=True)],
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("checkpoint", type=Path, nargs="?")
    model.add_argument("--size", choices=list(SIZES))
    parser.add_argument("--requests", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, help="also written here, beside what else is there")
    given = parser.parse_args()
    set_by_user = os.environ.get(PROCESSES)
    with tempfile.TemporaryDirectory() as made:
        if given.size:
            make_model(Path(made), given.size)
        checkpoint = given.checkpoint or Path(made)
        weights = parameters(checkpoint)
        sizes = measured(checkpoint, given.requests, given.rounds)
    print(json.dumps(sizes, indent=1))
    # ours has set it by now, where nobody had
    ours_apart = os.environ.get(PROCESSES, "1") != "0"
    apart = "both" if ours_apart else "bare" if set_by_user is None else "neither"
    found = {"cores": cores(), "parameters": weights, "apart": apart, "sizes": sizes}
    keep(given.out, f"sampling-{weights}-{apart}", found)


def measured(checkpoint: Path, counts: list[int], rounds: int) -> list[dict[str, Any]]:
    """Both sides, at each number of requests."""
    kinds = {"seeded": 0.7, "greedy": 0.0}
    asked = {
        (count, kind): requests(checkpoint, count, temperature)
        for count in counts
        for kind, temperature in kinds.items()
    }
    bare = Bare(checkpoint)
    plain = {key: side(bare.round, one, rounds) for key, one in asked.items()}
    free = {
        count: side(lambda some: bare.round(some, seeds=False), asked[count, "seeded"], 1)[0]
        for count in counts
    }
    bare.close()
    sampler = VllmSampler(
        checkpoint, EngineSettings(dtype="float32", enforce_eager=True, threads=1)
    )
    own = {key: side(partial(ours, sampler), one, rounds) for key, one in asked.items()}
    return [
        {
            "requests": count,
            **{kind: compared(plain[count, kind], own[count, kind]) for kind in kinds},
            "unseeded_bare_tokens_per_s": round(free[count][2] / free[count][0]),
        }
        for count in counts
    ]


if __name__ == "__main__":
    main()
