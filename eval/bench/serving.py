"""Our client of an endpoint beside a plain load generator: the same requests, the same endpoint.

    ./launch/serve.sh CHECKPOINT
    python eval/bench/serving.py http://localhost:8000/v1 --tokenizer CHECKPOINT
        [--requests 250 500 1000] [--concurrency 64] [--rounds 9] [--out FILE.json]

The plain one posts the same bodies to /completions with aiohttp, so many at a time, and reads the
answers' texts: no retries, no keys, no finish reasons. Both in turns, after one round that warms
the endpoint (its prefix cache serves both alike). Prints, per number of requests, responses per
second of each in its fastest round (what else the machine does only slows one down), the ratio in
each round (ours / plain; 1 means no cost), and the CPU seconds that each took in this process.
Texts must agree where the endpoint heeds seeds; how many differ is said.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
from sampling import requests
from usage import cores, keep

from reason_w2s.engines.endpoint import Endpoint
from reason_w2s.engines.model_folder import load_tokenizer
from reason_w2s.engines.protocols import Request
from reason_w2s.engines.server import ServerSampler
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.engines.sizes import parameters
from reason_w2s.prompts import encode

Timed = tuple[float, float, dict[str, str]]
"""(wall seconds, CPU seconds of this process, texts by key) of a round."""


def ours(url: str, tokenizer: Path, asked: list[Request], concurrency: int) -> Timed:
    """One round of `ServerSampler.sample`; opening it is not counted."""
    settings = EngineSettings.model_validate({"server": {"concurrency": concurrency}})
    sampler = ServerSampler(Endpoint(url, tokenizer=str(tokenizer)), settings)
    start, cpu = time.perf_counter(), time.process_time()
    found = {one.key: one.text for one in sampler.sample(asked)}
    spent = time.perf_counter() - start, time.process_time() - cpu
    sampler.close()
    return (*spent, found)


def plain(url: str, tokenizer: Path, asked: list[Request], concurrency: int, model: str) -> Timed:
    """One round of the load generator."""
    known = load_tokenizer(tokenizer)
    start, cpu = time.perf_counter(), time.process_time()
    bodies = {
        one.key: {
            "model": model,
            "prompt": encode(one.rendered, known),
            "max_tokens": one.sampling.max_tokens,
            "temperature": one.sampling.temperature,
            "top_p": one.sampling.top_p,
            "stop": list(one.sampling.stop),
            "seed": one.seed,
        }
        for one in asked
    }
    found = asyncio.run(_posted(f"{url}/completions", bodies, concurrency))
    return time.perf_counter() - start, time.process_time() - cpu, found


async def _posted(url: str, bodies: dict[str, dict[str, Any]], concurrency: int) -> dict[str, str]:
    room = asyncio.Semaphore(concurrency)
    connector = aiohttp.TCPConnector(limit=concurrency)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def post(key: str) -> tuple[str, str]:
            async with room, session.post(url, json=bodies[key]) as answer:
                answer.raise_for_status()
                said = await answer.json(content_type=None)
                return key, said["choices"][0]["text"]

        return dict(await asyncio.gather(*map(post, bodies)))


async def served(url: str) -> str:
    """What the endpoint calls its model."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/models") as answer:
        listed = await answer.json(content_type=None)
    return str(listed["data"][0]["id"])


def one_size(count: int, given: argparse.Namespace, model: str) -> dict[str, Any]:
    """Both, in turns."""
    asked = requests(given.tokenizer, count, 0.7)
    same = given.url, given.tokenizer, asked, given.concurrency
    plain(*same, model)
    rounds = [(plain(*same, model), ours(*same)) for _ in range(given.rounds)]
    texts = [(bare[2], own[2]) for bare, own in rounds]
    return {
        "requests": count,
        "plain_per_s": round(max(count / bare[0] for bare, _ in rounds), 2),
        "ours_per_s": round(max(count / own[0] for _, own in rounds), 2),
        "ours_over_plain": [round(bare[0] / own[0], 3) for bare, own in rounds],
        "cpu_s": {
            "plain": round(min(bare[1] for bare, _ in rounds), 2),
            "ours": round(min(own[1] for _, own in rounds), 2),
        },
        "texts_that_differ": sum(a[key] != b[key] for a, b in texts for key in a),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("url", help="ends with /v1")
    parser.add_argument("--tokenizer", type=Path, required=True, help="the served checkpoint")
    parser.add_argument("--requests", type=int, nargs="+", default=[250, 500, 1000])
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="also written here, beside what else is there")
    given = parser.parse_args()
    model = asyncio.run(served(given.url))
    sizes = [one_size(count, given, model) for count in given.requests]
    print(json.dumps(sizes, indent=1))
    weights = parameters(given.tokenizer)
    about = {"cores": cores(), "concurrency": given.concurrency, "parameters": weights}
    keep(given.out, f"serving-{weights}", {**about, "sizes": sizes})


if __name__ == "__main__":
    main()
