"""Recipes that doctor finds nothing wrong with, to be broken in one way each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from reason_w2s.doctor.command import Asked, Diagnosis, run
from reason_w2s.doctor.finding import Fact, Finding, Unchecked
from reason_w2s.doctor.machine import Machine, this_machine
from reason_w2s.runs.profile import Profile
from tests.runs.small import problem
from tests.train import templates

GIB = 2**30
ROOMY = Machine(
    free_bytes=10_000 * GIB,
    memory_bytes=1_000 * GIB,
    device_bytes=None,
    versions={"trl": "1.16.0", **dict.fromkeys(("accelerate", "datasets", "peft"), "99")}
    | dict.fromkeys(("torch", "transformers", "vllm", "deepspeed"), "99"),
)
RECIPE = """\
# Learn from a weaker model of the same family.
name: sound
models:
  weak: {path: weak, prompt: qwen_boxed}
  student: {path: student, prompt: qwen_boxed}
problems:
  train: {source: jsonl, file: data.jsonl}
steps:
  drawn: {sample: {model: weak, of: train, sampling: {n: 4, max_tokens: 256}}}
  graded: {check: {of: drawn}}
  chosen: {select: {of: graded, where: {finish_reason: stop, graded.correct: true}}}
  tuned: {train: {objective: sft, init: student, of: chosen, batch: 8, updates: 20}}
evaluate: {suites: [suite.yaml], models: {student: student, tuned: tuned}}
"""
IMPORTED = RECIPE.replace(
    "drawn: {sample: {model: weak, of: train, sampling: {n: 4, max_tokens: 256}}}",
    "drawn: {import: {of: train, file: traces.jsonl, model: weak, columns: {finish: done}}}",
).replace("  weak: {path: weak, prompt: qwen_boxed}\n", "")
SOLVED = """\
# Learn gold solutions.
name: solved
models:
  student: {path: student, prompt: qwen_boxed}
problems:
  train: {source: jsonl, file: data.jsonl}
steps:
  tuned:
    train: {objective: sft, init: student, of: train, target: solution, batch: 8, updates: 20}
"""
SUITE = "problems: {source: jsonl, file: data.jsonl, take: 5}\nsampling: {max_tokens: 64}\n"
CONFIG = {
    "model_type": "qwen2",
    "architectures": ["Qwen2ForCausalLM"],
    "vocab_size": 400,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 4096,
    "dtype": "bfloat16",
}


def model(folder: Path, template: str = "qwen2_5", end: str = templates.END, **config) -> Path:
    """A folder like a model's: a real chat template, a tokenizer, a config; one weight."""
    folder.mkdir(parents=True, exist_ok=True)
    templates.tokenizer(template, end).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **config}))
    save_file({"weight": np.zeros(1, np.float32)}, folder / "model.safetensors")
    return folder


def project(folder: Path, text: str = RECIPE, *, n: int = 60) -> Path:
    """A folder with a sound recipe and all it names; the recipe's path."""
    for name in ("weak", "student"):
        model(folder / name)
    rows = [problem(number) for number in range(n)]
    (folder / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    traces(folder, [{"response": f"So \\boxed{{{row['answer']}}}."} for row in rows])
    (folder / "suite.yaml").write_text(SUITE)
    path = folder / "recipe.yaml"
    path.write_text(in_folder(text, folder))
    return path


def traces(folder: Path, rows: list[dict]) -> None:
    """traces.jsonl: answers to the problems in their order, finished unless they say otherwise."""
    made = [{"id": f"p{at}", "done": "stop", **row} for at, row in enumerate(rows)]
    (folder / "traces.jsonl").write_text("\n".join(map(json.dumps, made)))


def in_folder(text: str, folder: Path) -> str:
    """The recipe with its models where `project` put them."""
    return text.replace("path: weak", f"path: {folder}/weak").replace(
        "path: student", f"path: {folder}/student"
    )


def diagnose(
    recipe: Path,
    *overrides: str,
    profile: Profile | None = None,
    machine: Machine = ROOMY,
    overlays: tuple[Path, ...] = (),
    **asked,
) -> Diagnosis:
    """What doctor says, of a machine with room unless another is given."""
    colour = asked.pop("colour", False)
    made = Asked(
        recipe=recipe,
        overrides=overrides,
        overlays=overlays,
        seed=asked.pop("seed", None),
        profile=profile or Profile(),
        on="profile.yaml",
        runs=asked.pop("runs", recipe.parent / "runs"),
        **asked,
    )
    return run(made, colour=colour, machine=machine)


def findings(found: Diagnosis) -> list[Finding]:
    return [one for one in found.said if isinstance(one, Finding)]


def facts(found: Diagnosis, about: str) -> list[Fact]:
    return [one for one in found.said if isinstance(one, Fact) and one.about == about]


def unchecked(found: Diagnosis) -> str:
    return "\n".join(f"{one.what}: {one.why}" for one in found.said if isinstance(one, Unchecked))


def only(found: Diagnosis) -> Finding:
    """The one finding there must be; each says what, where, why and what to do, in one line."""
    said = findings(found)
    assert len(said) == 1, said
    for text in (said[0].what, said[0].where, said[0].why, said[0].todo):
        assert text and "\n" not in text
    return said[0]


__all__ = ["GIB", "IMPORTED", "RECIPE", "ROOMY", "SOLVED", "Fact", "this_machine"]
