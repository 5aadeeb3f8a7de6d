"""What `reason-w2s eval` costs over bare vLLM: whole commands, from start to end, on one machine.

    python eval/bench/evaluating.py CHECKPOINT --suite world,world_held_out [--profile FILE] [...]

Prints one JSON object: the seconds of `eval` on an empty store, of the same command again (nothing
is left to do), and of a process that loads the checkpoint into `vllm.LLM` and generates the same
requests with one `generate` call, neither graded nor stored; and their ratio. Greedy texts must
agree, or it fails. What follows the options goes to `eval`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from reason_w2s.engines.model_folder import load_tokenizer
from reason_w2s.prompts import encode, render
from reason_w2s.runs.run import Run

BARE = """
import json, sys
from pathlib import Path
from reason_w2s.engines.vllm import prepare
asked = json.loads(Path(sys.argv[1]).read_text())
prepare()  # on a CPU the engine in this process, as ours
import torch
torch.set_num_threads(1)
from vllm import LLM, SamplingParams
llm = LLM(asked["model"], dtype=asked["dtype"], enforce_eager=True, enable_chunked_prefill=False,
    max_num_batched_tokens=4096, max_num_seqs=256, kv_cache_memory_bytes=2**30)
prompts = [{"prompt_token_ids": one["ids"]} for one in asked["requests"]]
outputs = llm.generate(prompts, [SamplingParams(**one["sampling"]) for one in asked["requests"]],
    use_tqdm=False)
Path(sys.argv[2]).write_text(json.dumps([one.outputs[0].text for one in outputs]))
llm.llm_engine.engine_core.shutdown()
"""
SETTINGS = ("temperature", "top_p", "top_k", "min_p", "max_tokens", "stop")


def requests(run: Run) -> tuple[dict[str, Any], list[str]]:
    """What the run asked, for the bare process, and what came of it."""
    asked: list[dict[str, Any]] = []
    texts = []
    plans = [item for item in run.items.values() if item.stage == "sample"]
    (model,) = (item.reference() for item in run.items.values() if item.stage == "model")
    tokenizer, prompt = load_tokenizer(Path(model.path)), model.asked()
    recipe = sampling_of(run)
    for item in plans:
        sampling = {name: recipe[item.step][name] for name in SETTINGS}
        sampling["stop"] = [*sampling["stop"], *prompt.stop]
        for number, row in enumerate(run.rows(item.step)):
            ids = encode(render(prompt, row.problem, tokenizer), tokenizer)
            seed = {} if sampling["temperature"] == 0 else {"seed": number}
            asked.append({"ids": ids, "sampling": sampling | seed})
            texts.append(row.trace.text)
    return {"model": model.path, "dtype": model.dtype, "requests": asked}, texts


def sampling_of(run: Run) -> dict[str, dict[str, Any]]:
    """Each sample step's settings."""
    from reason_w2s.runs.results import asked

    _, plan = asked(run)
    return {step.name: dict(step.config["sampling"]) for step in plan.steps.values()
            if step.stage == "sample"}  # fmt: skip


def seconds(command: list[str]) -> float:
    """How long a command takes."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("checkpoint")
    arguments, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = ["--runs", folder, "--name", "measured"]
        evaluate = [sys.executable, "-m", "reason_w2s.cli", "eval", arguments.checkpoint, *rest]
        first, again = (seconds([*evaluate, *runs]) for _ in range(2))
        asked, texts = requests(Run.open(Path(folder) / "measured"))
        given, found = Path(folder) / "asked.json", Path(folder) / "found.json"
        given.write_text(json.dumps(asked))
        bare = seconds([sys.executable, "-c", BARE, str(given), str(found)])
        pairs = zip(asked["requests"], texts, json.loads(found.read_text()), strict=True)
        differ = [one for one, mine, other in pairs if "seed" not in one["sampling"]
                  and mine != other]  # fmt: skip
    if differ:
        raise SystemExit(f"{len(differ)} greedy texts differ")
    measured = {"eval_s": first, "again_s": again, "bare_s": bare, "eval_over_bare": first / bare}
    rounded = {name: round(value, 2) for name, value in measured.items()}
    print(json.dumps({"requests": len(texts), **rounded}))


if __name__ == "__main__":
    main()
