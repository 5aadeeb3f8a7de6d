"""The same model, prompt and problems through lm-eval's GSM8K task and through ours.

    python eval/bench/lm_eval_parity.py [--data DIR] [--n 500] [--engine hf --engine vllm]
        [--work FOLDER] [--out FILE.json]

Two models that a laptop makes, so that responses differ and some are right: one of the world's,
taught worked solutions of its train split and asked its test split; with `--data` (a folder with
sets/gsm8k_*.jsonl.gz) also an untrained one with a byte-level tokenizer, taught GSM8K's train
split and asked its test split after two solved problems. Asked for: greedy responses under
`Question: ...\\nAnswer:`. lm-eval's task is its own gsm8k.yaml with the data exchanged, run through
its backend of the same name as our engine. Compared: every prompt, every response as text, every
verdict, and the score by both of the task's filters; `responses` counts different ones.

Responses can differ where two tokens are equally likely up to rounding: the engines pad their
batches each in their own way. The first differing pair is kept.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from reason_w2s import prompts
from reason_w2s.problems.world import problems as world_problems
from reason_w2s.prompts import Prompt
from reason_w2s.recipe.load import plan_of
from reason_w2s.runs.profile import Profile
from reason_w2s.runs.results import results
from reason_w2s.runs.run import Run, Selection, execute
from reason_w2s.trust import allow

FILTERS = {"strict": "strict-match", "flexible": "flexible-extract"}
PROMPT = {"template": "Question: {question}\nAnswer:", "separator": " "}
STOPS = ("Question:", "</s>", "<|im_end|>")
TASK = "gsm8k_local"
# ours: a response per line; a model that goes on is cut by both at the same count
PROFILE = {
    "isolate": "none",
    "engine": {"enforce_eager": True, "kv_cache_gib": 1.0, "threads": 1, "max_num_seqs": 32},
}


class Case(NamedTuple):
    """A model to make, in a recipe's words, and what it is asked, in GSM8K's columns."""

    name: str
    model: dict[str, Any]
    taught: dict[str, Any]
    updates: int
    problems: list[dict[str, Any]]
    shots: list[dict[str, Any]]


def world(count: int, tokens: int = 1_000_000, updates: int = 400) -> Case:
    """The world's weak model."""
    asked = [
        {"id": one.id, "question": one.question, "answer": one.solution}
        for one in world_problems("test", take=count, seed=0)
    ]
    made = {"world": {"size": "weak", "tokens": tokens}}
    taught = {"source": "world", "split": "train", "take": 1000}
    return Case("world", made, taught, updates, asked, [])


def gsm8k(data: Path, count: int) -> Case:
    """An untrained model, and GSM8K itself."""
    train = data / "sets" / "gsm8k_train.jsonl.gz"
    small = {"vocab_size": 1024, "hidden": 64, "layers": 2, "heads": 2}
    made = {"scratch": {"of": "train", **small}}
    taught = {"source": "gsm8k", "file": str(train.resolve()), "take": 600}
    asked = rows(data / "sets" / "gsm8k_test.jsonl.gz", count)
    return Case("gsm8k", made, taught, 150, asked, rows(train, 2))


def rows(path: Path, count: int) -> list[dict[str, Any]]:
    """The first rows of a gzipped JSON Lines file, in the hub's columns."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in islice(lines, count)]
    return [
        {**row, "answer": f"{row['solution'].rpartition('####')[0]}#### {row['answer']}"}
        for row in found
    ]


def teach(case: Case, folder: Path) -> str:
    """The folder of the model, taught solutions under the task's prompt."""
    data = {
        "name": "taught",
        "models": {"base": {**case.model, "prompt": {**PROMPT, "stop": list(STOPS)}}},
        "problems": {"train": case.taught},
        "steps": {
            "tuned": {
                "train": {
                    "objective": "sft",
                    "init": "base",
                    "of": "train",
                    "target": "solution",
                    "batch": 16,
                    "updates": case.updates,
                    "trainer": {"learning_rate": 2e-3, "max_length": 1024},
                }
            }
        },
    }
    done = _run(data, folder / "taught", "hf")
    return str(done.item("tuned").folder())


def _run(data: dict[str, Any], folder: Path, engine: str) -> Run:
    profile = Profile.model_validate({**PROFILE, "sampler": engine})
    plan = plan_of(data, place="lm_eval_parity")
    chosen, console = Selection(), Console(stderr=True)
    allow(True)  # the task files are those `task` writes
    try:
        return execute(plan, data, folder, profile, selection=chosen, console=console)
    finally:
        allow(False)


def task(folder: Path, problems: list[dict[str, Any]], train: list[dict[str, Any]]) -> Path:
    """lm-eval's gsm8k.yaml over the given rows, in a folder of its own."""
    import lm_eval

    tasks = folder / "tasks"
    tasks.mkdir(parents=True, exist_ok=True)
    files = {}
    for split, chosen in (("test", problems), ("train", train or problems[:1])):
        files[split] = str((folder / f"{split}.jsonl").resolve())
        text = "".join(json.dumps(row) + "\n" for row in chosen)
        Path(files[split]).write_text(text, encoding="utf-8")
    published = Path(str(lm_eval.__file__)).parent / "tasks" / "gsm8k" / "gsm8k.yaml"
    config = {
        "include": str(published),
        "task": TASK,
        "tag": [],
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": files},
        "fewshot_config": {"sampler": "first_n"},
        "num_fewshot": len(train),
    }
    (tasks / f"{TASK}.yaml").write_text(json.dumps(config), encoding="utf-8")
    return tasks


def recipe(
    model: str, folder: Path, tasks: Path, train: list[dict[str, Any]], tokens: int
) -> dict[str, Any]:
    """Both measurements of one model: four suites, two of them lm-eval's."""
    shots = [{"question": row["question"], "response": row["answer"]} for row in train]
    asked = {**PROMPT, "stop": list(STOPS), "shots": shots}
    suites: dict[str, Any] = {}
    for name, filter_ in FILTERS.items():
        suites[f"ours_{name}"] = {
            "problems": {"source": "gsm8k", "file": str(folder / "test.jsonl")},
            "sampling": {"max_tokens": tokens},
            "check": {"kind": f"lm_eval_gsm8k_{name}"},
        }
        suites[f"theirs_{name}"] = {
            "lm_eval": [TASK],
            "include_path": str(tasks),
            "filter": filter_,
            "gen_kwargs": {"max_gen_toks": tokens},
        }
    return {
        "name": "lm-eval-parity",
        "models": {"model": {"path": model, "prompt": asked}},
        "suites": suites,
        "evaluate": {"suites": list(suites), "models": {"model": "model"}},
    }


def measure(
    model: str,
    problems: list[dict[str, Any]],
    train: list[dict[str, Any]],
    folder: Path,
    engine: str = "hf",
    tokens: int = 256,
) -> dict[str, Any]:
    """What both gave: counts of equal prompts, responses and verdicts, and both scores."""
    folder = folder.resolve()
    tasks = task(folder, problems, train)
    data = recipe(model, folder, tasks, train, tokens)
    run = _run(data, folder / "runs" / engine, engine)
    scores = {one["suite"]: one for one in results(run)["scores"]}
    found: dict[str, Any] = {"engine": engine, "n": len(problems), "shots": len(train)}
    texts = {row.trace.text for row in run.rows("eval/model/ours_strict")}
    found["responses"] = len(texts)
    return {**found, **{name: _compared(run, name, scores) for name in FILTERS}}


def _compared(run: Run, name: str, scores: dict[str, Any]) -> dict[str, Any]:
    ours = list(run.rows(f"eval/model/ours_{name}/graded"))
    theirs = list(run.rows(f"eval/model/theirs_{name}"))
    assert len(ours) == len(theirs), (len(ours), len(theirs))
    asked = Prompt.model_validate(run.item("model").reference().prompt)
    pairs = list(zip(ours, theirs, strict=True))
    apart = [(a.trace.text, b.trace.text) for a, b in pairs if a.trace.text != b.trace.text]
    same_prompt = [prompts.render(asked, a.problem).text == b.problem.question for a, b in pairs]
    mine, others = f"eval/model/ours_{name}/graded.correct", f"eval/model/theirs_{name}.correct"
    return {
        "same_prompt": sum(same_prompt),
        "same_response": len(pairs) - len(apart),
        "same_verdict": sum(a.columns[mine] is b.columns[others] for a, b in pairs),
        "ours": scores[f"ours_{name}"]["accuracy"],
        "theirs": scores[f"theirs_{name}"]["accuracy"],
        "first_apart": [list(pair) for pair in apart[:1]],
    }


def main() -> None:
    """Print what agrees."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, help="a folder with sets/gsm8k_{train,test}.jsonl.gz")
    parser.add_argument("--n", type=int, default=500, help="problems of each set")
    parser.add_argument("--engine", choices=["hf", "vllm"], action="append")
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument(
        "--work", type=Path, help="kept, to go on from; default: a temporary folder"
    )
    parser.add_argument("--out", type=Path)
    wished = parser.parse_args()
    cases = [world(wished.n), *([gsm8k(wished.data, wished.n)] if wished.data else [])]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as aside:
        for case in cases:
            folder = (wished.work or Path(aside)) / case.name
            model = teach(case, folder)
            found[case.name] = [
                measure(model, case.problems, case.shots, folder, engine, wished.max_tokens)
                for engine in wished.engine or ["hf"]
            ]
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    sys.stdout.write(text)
    if wished.out is not None:
        wished.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
