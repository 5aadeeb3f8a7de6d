"""Our training step beside the bare TRL script on the same data: updates per second, peak memory.

    python eval/bench/training.py [--objective sft|dpo|kto|reward] [--device cpu|cuda]
    python eval/bench/training.py --loss confidence
    python eval/bench/training.py --objective dpo --loss conservative
    python eval/bench/training.py --objective kto --loss cross_entropy

A random Qwen2 (`tiny`: about 1M parameters; `half`: the shape of Qwen2.5-0.5B) learns GSM8K
solutions, in runs of several numbers of updates (`--updates 10 30 60`). Each side runs in a process
of its own, in turns. Prints one JSON object for each number, and with `--out-file` adds them there
(eval/baselines/scale.json is what eval/costs.md shows); the ratio is ours over bare. With `--loss`
ours has that loss and bare TRL's own: what the loss costs. The losses of both sides' first updates
must agree, or it fails: then they would not have learned the same.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from usage import cores, keep

ROOT = Path(__file__).parents[2]
FIXTURE = ROOT / "tests" / "fixtures" / "gsm8k" / "train.jsonl"
SIZES = {
    "tiny": {"vocab_size": 4096, "hidden": 128, "layers": 4, "heads": 4},
    "half": {"vocab_size": 151936, "hidden": 896, "layers": 24, "heads": 14},
}
FEED_FORWARD = {"tiny": 344, "half": 4864}
KEY_VALUE_HEADS = {"tiny": 2, "half": 2}
LOSSES: dict[str, dict[str, Any]] = {
    # these begin as TRL's loss does: no weight yet, or no margin yet
    "confidence": {"name": "confidence", "weight": 0.5, "warmup": 0.5},
    "conservative": {"name": "conservative", "flipped": 0.1},
    "critical_tokens": {"name": "critical_tokens", "scores": "ce.tokens"},
    # from the first on it pulls a little to what the student says
    "early_learning": {"name": "early_learning"},
    "cross_entropy": {"name": "cross_entropy"},
}
OF_ITS_OWN = frozenset({"cross_entropy"})
"""Losses that begin elsewhere than TRL's of the same objective: log 2 where KTO's is a half."""
TWICE = frozenset({"early_learning"})
"""Losses that hold an example to what was said of it before: both sides go through theirs twice."""
APART = {"sft": 0.01, "dpo": 0.01, "kto": 0.01, "reward": 0.1}
"""How far first losses may be apart; a scorer begins with a random head on each side."""
TRAINER = {"learning_rate": 1e-5, "warmup_steps": 0, "lr_scheduler_type": "constant"}


def rows(count: int) -> list[dict[str, str]]:
    """Question, right solution, and another problem's solution as the wrong one."""
    found = [json.loads(line) for line in FIXTURE.read_text(encoding="utf-8").splitlines()]
    chosen = [found[at % len(found)] for at in range(count)]
    other = [found[(at + 1) % len(found)] for at in range(count)]
    return [
        {"question": one["question"], "answer": one["answer"], "wrong": two["answer"]}
        for one, two in zip(chosen, other, strict=True)
    ]


def asked_for(asked: argparse.Namespace) -> list[dict[str, str]]:
    """The rows of so many updates."""
    return rows(asked.batch * asked.updates // (2 if asked.loss in TWICE else 1))


def make_model(folder: Path, size: str) -> None:
    """A random model with a byte-level tokenizer learned from the questions."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from reason_w2s.train.pretrain import ScratchSettings, scratch

    texts = [row["question"] for row in rows(1000)]
    scratch(ScratchSettings(vocab_size=4096), texts, folder, seed=0)
    shape = SIZES[size]
    config = Qwen2Config.from_pretrained(folder)
    config.update(
        {
            "vocab_size": shape["vocab_size"],
            "hidden_size": shape["hidden"],
            "num_hidden_layers": shape["layers"],
            "num_attention_heads": shape["heads"],
            "num_key_value_heads": KEY_VALUE_HEADS[size],
            "intermediate_size": FEED_FORWARD[size],
            "layer_types": ["full_attention"] * int(shape["layers"]),
            "max_position_embeddings": 2048,
        }
    )
    torch.manual_seed(0)
    Qwen2ForCausalLM(config).save_pretrained(folder)


def ours(asked: argparse.Namespace, model: Path, out: Path) -> dict[str, Any]:
    """`train.run.train`, as a recipe's step calls it."""
    from reason_w2s.prompts import Prompt
    from reason_w2s.records import Problem
    from reason_w2s.train.config import (
        Answer,
        Example,
        PairExample,
        TrainProfile,
        TrainSettings,
        VerdictExample,
    )
    from reason_w2s.train.run import TrainPlaces, train

    prompt = Prompt(template="Question: {question}\nAnswer:", separator=" ")
    scored = asked.loss == "critical_tokens"
    data: list[Any] = []
    for at, row in enumerate(asked_for(asked)):
        problem, right = Problem(id=str(at), question=row["question"]), Answer(row["answer"])
        wrong = Answer(row["wrong"])
        if asked.objective == "sft":
            data.append(Example(problem, right))
        elif asked.objective == "kto":
            data.append(VerdictExample(problem, wrong if at % 2 else right, wanted=not at % 2))
        else:
            scores = halves(wrong, prompt, model) if scored else None
            data.append(PairExample(problem, right, wrong, scores))
    settings = TrainSettings.model_validate(
        {
            "objective": asked.objective,
            "batch": asked.batch,
            "updates": asked.updates,
            "dtype": asked.dtype,
            "trainer": TRAINER,
            "loss": LOSSES.get(asked.loss),
        }
    )
    profile = TrainProfile(
        device=asked.device, micro_batch=asked.micro_batch, threads=asked.threads
    )
    stats = train(
        data,
        settings,
        TrainPlaces(model, None, out / "model", out / "work"),
        prompt=prompt,
        seed=0,
        profile=profile,
        progress=lambda done, total: None,
    )
    return {
        "updates_per_s": stats.updates / stats.seconds,
        "peak_memory_mib": stats.peak_memory_mib,
        "first_loss": stats.log[0]["loss"],
        "tokens": stats.tokens,
    }


def halves(answer: Any, prompt: Any, model: Path) -> Any:
    """A score of a half for each of an answer's tokens."""
    from reason_w2s.engines import vocabulary
    from reason_w2s.engines.model_folder import load_tokenizer
    from reason_w2s.train.config import TokenScores
    from reason_w2s.train.examples import answer_ids

    tokenizer = load_tokenizer(model)
    ids = answer_ids(answer, prompt, tokenizer, "bench")
    return TokenScores((0.5,) * len(ids), vocabulary.fingerprint(tokenizer))


def columns(objective: str, row: dict[str, str], at: int) -> dict[str, Any]:
    """A row as TRL's trainers take it; every second answer of KTO's is unwanted."""
    prompt = f"Question: {row['question']}\nAnswer:"
    right, wrong = " " + row["answer"], " " + row["wrong"]
    return {
        "sft": {"prompt": prompt, "completion": right},
        "dpo": {"prompt": prompt, "chosen": right, "rejected": wrong},
        "kto": {"prompt": prompt, "completion": wrong if at % 2 else right, "label": not at % 2},
        "reward": {"chosen": prompt + right, "rejected": prompt + wrong},
    }[objective]


def bare(asked: argparse.Namespace, model: Path, out: Path) -> dict[str, Any]:
    """What TRL's documentation shows, with the same batch, length and optimiser."""
    import resource
    import time

    import torch
    import trl
    from datasets import Dataset

    from reason_w2s.train.examples import stream

    if asked.threads:
        torch.set_num_threads(asked.threads)
    data = [columns(asked.objective, row, at) for at, row in enumerate(asked_for(asked))]
    if asked.objective == "kto":
        # TRL takes these as they come, and neighbours share answers: shorter batches than ours
        data = [data[at] for at in stream(len(data), len(data), seed=0)]
    config, trainer_class = {
        "sft": (trl.SFTConfig, trl.SFTTrainer),
        "dpo": (trl.DPOConfig, trl.DPOTrainer),
        "kto": (trl.KTOConfig, trl.KTOTrainer),
        "reward": (trl.RewardConfig, trl.RewardTrainer),
    }[asked.objective]
    trainer = trainer_class(
        model=str(model),
        args=config(
            output_dir=str(out),
            per_device_train_batch_size=asked.micro_batch,
            gradient_accumulation_steps=asked.batch // asked.micro_batch,
            max_steps=asked.updates,
            max_length=2048,
            bf16=asked.dtype == "bfloat16",
            use_cpu=asked.device == "cpu",
            gradient_checkpointing=False,
            model_init_kwargs={"dtype": "float32"},
            save_strategy="no",
            logging_steps=max(1, asked.updates // 50),
            disable_tqdm=True,
            seed=0,
            **TRAINER,
        ),
        train_dataset=Dataset.from_list(data),
    )
    start = time.monotonic()
    trainer.train()
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    if asked.device == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**20
    first = next(entry for entry in trainer.state.log_history if "loss" in entry)
    return {
        "updates_per_s": asked.updates / seconds,
        "peak_memory_mib": peak,
        "first_loss": first["loss"],
        "tokens": None,
    }


def options() -> argparse.ArgumentParser:
    """The command line; `--side` is how this script calls itself."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--objective", choices=["sft", "dpo", "kto", "reward"], default="sft")
    parser.add_argument("--loss", choices=list(LOSSES))
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--size", choices=list(SIZES), default="tiny")
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--micro-batch", type=int, default=8)
    parser.add_argument("--updates", type=int, nargs="+", default=[10, 30, 60])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument(
        "--out-file", type=Path, help="also written here, beside what else is there"
    )
    parser.add_argument("--side", choices=["ours", "bare"], help=argparse.SUPPRESS)
    parser.add_argument("--model", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser


def side(name: str, model: Path, out: Path, updates: int) -> dict[str, Any]:
    """One side in a process of its own; its result is the last line it prints."""
    command = [sys.executable, __file__, *sys.argv[1:], "--updates", str(updates), "--side", name]
    done = subprocess.run(
        [*command, "--model", str(model), "--out", str(out)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Measure both sides in turns and print."""
    asked = options().parse_args()
    if asked.side:
        (asked.updates,) = asked.updates
        print(json.dumps((ours if asked.side == "ours" else bare)(asked, asked.model, asked.out)))
        return
    with tempfile.TemporaryDirectory() as place:
        make_model(Path(place) / "model", asked.size)
        sizes = [one_size(updates, asked, Path(place)) for updates in asked.updates]
    print(json.dumps(sizes, indent=1))
    name = "-".join(["training", asked.objective, *([asked.loss] if asked.loss else [])])
    keep(asked.out_file, name, {"command": said(asked), "cores": cores(), "sizes": sizes})


def said(asked: argparse.Namespace) -> str:
    """The command that measures it again."""
    usual = vars(options().parse_args([]))
    parts = [
        f"--{name.replace('_', '-')} {' '.join(map(str, value)) if name == 'updates' else value}"
        for name, value in vars(asked).items()
        if value != usual[name] and name != "out_file"
    ]
    return " ".join(["python eval/bench/training.py", *parts])


def one_size(updates: int, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Both sides in turns, so many updates each."""
    found: dict[str, list[dict[str, Any]]] = {"bare": [], "ours": []}
    for number in range(asked.rounds):
        for name, results in found.items():
            out = folder / f"{name}{number}-{updates}"
            results.append(side(name, folder / "model", out, updates))
    result = {"updates": updates, **summary(found)}
    if asked.loss not in OF_ITS_OWN:
        must_agree(result["first_loss"], APART[asked.objective])
    return result


def must_agree(first: dict[str, float], apart: float) -> None:
    """Stop where the first losses say that the two sides do not learn the same."""
    if abs(first["ours"] - first["bare"]) > apart * first["bare"]:
        raise SystemExit(f"the two sides do not learn the same: first losses {first}")


def summary(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Means, and the ratio of each round."""
    first = {name: results[0]["first_loss"] for name, results in found.items()}
    rates = {name: [one["updates_per_s"] for one in results] for name, results in found.items()}
    ratios = [ours_ / bare_ for ours_, bare_ in zip(rates["ours"], rates["bare"], strict=True)]
    return {
        "first_loss": first,
        "updates_per_s": {name: round(statistics.mean(rate), 3) for name, rate in rates.items()},
        "ours_over_bare": [round(ratio, 3) for ratio in ratios],
        "peak_memory_mib": {
            name: round(max(one["peak_memory_mib"] for one in results))
            for name, results in found.items()
        },
    }


if __name__ == "__main__":
    main()
