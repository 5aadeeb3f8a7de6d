"""How much our sampler costs over bare vLLM: the same requests, the same engine settings, one run.

    python eval/bench/sampling.py CHECKPOINT [--requests 2000] [--rounds 3]

Prints one JSON object: tokens per second of `vllm.LLM.generate` and of `VllmSampler.sample`, and
their ratio per round (ours / bare; 1 means no cost). vLLM takes one engine per process at a time,
so the bare rounds come first. Texts must agree, or it fails.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from reason_w2s.engines.model_folder import load_prompt, load_tokenizer
from reason_w2s.engines.protocols import Request, Sampling
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.engines.vllm import VllmSampler, _params
from reason_w2s.problems.world import problems
from reason_w2s.prompts import encode, load, render


def requests(checkpoint: Path, count: int) -> list[Request]:
    """World problems, each asked once, at temperature 0.7 with a seed of its own."""
    prompt = load_prompt(checkpoint) or load("world")
    sampling = Sampling(temperature=0.7, max_tokens=64)
    asked = problems("dev", take=count, seed=0)
    return [
        Request(str(number), render(prompt, problem), sampling, seed=number)
        for number, problem in enumerate(asked)
    ]


def ours(sampler: VllmSampler, asked: list[Request]) -> tuple[float, dict[str, str], int]:
    """(seconds, texts by key, tokens)."""
    start = time.perf_counter()
    found = list(sampler.sample(asked))
    seconds = time.perf_counter() - start
    return seconds, {one.key: one.text for one in found}, sum(one.n_tokens for one in found)


def bare(checkpoint: Path, asked: list[Request], rounds: int) -> list[tuple[float, dict[str, str]]]:
    """`LLM.generate` on the same token ids and sampling parameters, once per round."""
    from vllm import LLM

    llm = LLM(
        str(checkpoint),
        dtype="float32",
        enforce_eager=True,
        enable_chunked_prefill=False,
        max_num_batched_tokens=4096,
        max_num_seqs=256,
        kv_cache_memory_bytes=2**30,
    )
    tokenizer = load_tokenizer(checkpoint)
    prompts = [{"prompt_token_ids": encode(one.rendered, tokenizer)} for one in asked]
    parameters = [_params(one, EngineSettings()) for one in asked]
    results = []
    for _ in range(rounds):
        start = time.perf_counter()
        outputs = llm.generate(prompts, parameters, use_tqdm=False)
        seconds = time.perf_counter() - start
        texts = {one.key: out.outputs[0].text for one, out in zip(asked, outputs, strict=True)}
        results.append((seconds, texts))
    llm.llm_engine.engine_core.shutdown()
    return results


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    asked = requests(arguments.checkpoint, arguments.requests)
    # one vLLM engine at a time fits a process; the bare one first warms what both share
    plain = bare(arguments.checkpoint, asked, arguments.rounds + 1)[1:]
    sampler = VllmSampler(
        arguments.checkpoint, EngineSettings(dtype="float32", enforce_eager=True, threads=1)
    )
    ours(sampler, asked[:256])
    measured = [ours(sampler, asked) for _ in range(arguments.rounds)]
    tokens = measured[0][2]
    if any(texts != plain[0][1] for _, texts, _ in measured):
        raise SystemExit("the two gave different texts")
    mean_bare = statistics.mean(tokens / seconds for seconds, _ in plain)
    mean_ours = statistics.mean(tokens / seconds for seconds, _, _ in measured)
    ratios = [bare_s / ours_s for (bare_s, _), (ours_s, _, _) in zip(plain, measured, strict=True)]
    print(
        json.dumps(
            {
                "requests": len(asked),
                "tokens": tokens,
                "bare_tokens_per_s": round(mean_bare),
                "ours_tokens_per_s": round(mean_ours),
                "ours_over_bare": [round(ratio, 2) for ratio in ratios],
            }
        )
    )


if __name__ == "__main__":
    main()
