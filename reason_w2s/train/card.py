"""The model card: what the hub reads, then where the model comes from and how to ask it."""

from __future__ import annotations

import importlib.metadata
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from reason_w2s.engines import model_folder
from reason_w2s.prompts import Prompt
from reason_w2s.train.config import TrainStats
from reason_w2s.train.job import Task, TrainPlaces

if TYPE_CHECKING:
    from transformers import TrainingArguments

FILE = "README.md"
PACKAGES = ("reason-w2s", "torch", "transformers", "trl", "peft", "accelerate", "deepspeed")
EFFECTIVE = (
    "learning_rate",
    "num_train_epochs",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "max_grad_norm",
    "optim",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
)
"""What shapes any training, told also where the recipe leaves it to TRL."""


SCORED = (
    "It writes nothing: its one output is the score of a prompt and a response together. In a "
    "recipe, `{score: {of: TRACES, kind: reward, model: NAME}}` scores traces by it."
)


def trained(task: Task, arguments: TrainingArguments, stats: TrainStats) -> str:
    """The card of a model that was trained here, made from what was asked and what was done."""
    places = task.places
    adapter = task.settings.lora is not None
    kind = "LoRA adapter, " if adapter else ""
    return _card(
        _head(places.init, adapter, task.settings.objective, scores=task.settings.by.head),
        _title(places),
        f"{kind}{task.settings.objective.upper()} by reason-w2s over TRL.",
        {
            "Where it comes from": _list(_origin(places)),
            "Training": _list(_training(task, arguments, stats)),
            "How it is asked": _asked(task.prompt),
            "How to measure it": SCORED if task.settings.by.head else _measured(),
            "Made with": _list(_versions(PACKAGES)),
        },
    )


def merged(adapter: Path, dtype: str) -> str:
    """The card of an adapter merged into its base; what the adapter's own says is kept below."""
    base = model_folder.base_of(adapter)
    prompt = model_folder.load_prompt(adapter)
    origin = {
        "base model": _named(base),
        "adapter": f"fingerprint {model_folder.fingerprint(adapter)[:16]}",
        "dtype": dtype,
    }
    parts = {"Where it comes from": _list(origin.items())}
    if prompt is not None:
        parts["How it is asked"] = _asked(prompt)
    parts["How to measure it"] = _measured()
    parts["Merged with"] = _list(_versions(("reason-w2s", "torch", "transformers", "peft")))
    own = adapter / FILE
    if own.is_file():
        parts["The adapter's card"] = _quoted(own.read_text(encoding="utf-8"))
    head = _head(base, False, "merged")
    return _card(head, "Merged model", "A LoRA adapter merged into its base by reason-w2s.", parts)


def hub_name(folder: Path) -> tuple[str, str] | None:
    """(repository, commit) of a model that the hub's cache holds; None for any other folder."""
    found = re.search(r"models--([^/]+?)--([^/]+)/snapshots/([0-9a-f]+)", folder.as_posix())
    return None if found is None else (f"{found[1]}/{found[2]}", found[3])


def _head(init: Path, adapter: bool, objective: str, *, scores: bool = False) -> str:
    tags = ["reason-w2s", "weak-to-strong", "trl", objective, *(["lora"] if adapter else [])]
    data = {
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-classification" if scores else "text-generation",
        "tags": tags,
    }
    base = _base_model(init)
    return _yaml(data if base is None else {"base_model": base, **data})


def _base_model(init: Path) -> str | None:
    """The hub's name of what it began as: its own, or what the card of its start says."""
    named = hub_name(init)
    if named is not None:
        return named[0]
    if model_folder.is_adapter(init):
        return _base_model(model_folder.base_of(init))
    card = init / FILE
    parts = card.read_text(encoding="utf-8").split("---\n", 2) if card.is_file() else []
    try:
        head = YAML(typ="safe", pure=True).load(parts[1]) if len(parts) == 3 else None
    except YAMLError:
        return None
    base = head.get("base_model") if isinstance(head, dict) else None
    return base if isinstance(base, str) else None


def _title(places: TrainPlaces) -> str:
    names = [places.card[name] for name in ("run", "step") if name in places.card]
    return ": ".join(names) or places.out.name


def _origin(places: TrainPlaces) -> Iterator[tuple[str, Any]]:
    yield "base model", _named(places.init)
    if places.ref is not None:
        yield "reference model", _named(places.ref)
    if places.teacher is not None:
        yield "teacher", _named(places.teacher)
    yield from places.card.items()


def _named(folder: Path) -> str:
    """A model by its name on the hub, or its folder's, and by its content."""
    named = hub_name(folder)
    mark = f"fingerprint {model_folder.fingerprint(folder)[:16]}"
    if named is not None:
        return f"{named[0]}, revision {named[1]}, {mark}"
    # every model of a run's store lies in a folder of this name: it tells nothing
    return mark if folder.name == "model" else f"{folder.name}, {mark}"


def _training(
    task: Task, arguments: TrainingArguments, stats: TrainStats
) -> Iterator[tuple[str, Any]]:
    settings, profile = task.settings, task.profile
    losses = [entry["loss"] for entry in stats.log]
    config = type(arguments).__name__.removesuffix("Config")
    yield "objective", f"{settings.objective} ({config})"
    yield "examples", f"{stats.examples:,}"
    yield "batch", f"{settings.batch} {'completions' if settings.group else 'examples'} per update"
    yield "updates", f"{stats.updates:,}"
    yield "tokens with loss", f"{stats.tokens:,}"
    if settings.group:
        yield "tokens sampled while training", f"{stats.generated:,}"
    if settings.reward is not None:
        yield "reward", f"1 for a right answer, 0 otherwise (answers as {settings.reward.kind})"
    effective = {name: getattr(arguments, name) for name in EFFECTIVE}
    if settings.updates is not None:
        # TRL's default number, which nothing reads then
        del effective["num_train_epochs"]
    for name, value in {**effective, **settings.trainer}.items():
        yield name, getattr(value, "value", value)
    if settings.loss is not None:
        yield "loss term", ", ".join(f"{k} {v}" for k, v in settings.loss.model_dump().items())
    lora = settings.lora
    if lora is not None:
        yield "lora", ", ".join(f"{key} {value}" for key, value in lora.model_dump().items())
    yield "dtype", settings.dtype
    yield "seed", task.seed
    if profile.launched:
        yield "processes", f"{profile.processes}, DeepSpeed ZeRO stage {profile.zero_stage}"
    rewards = [entry["reward"] for entry in stats.log if "reward" in entry]
    if rewards:
        yield "mean reward", f"{rewards[0]:.3f} at first, {rewards[-1]:.3f} at last"
    elif losses:
        unit = "" if settings.by.learns == "values" else " (nats)"
        yield "loss", f"{float(losses[0]):.4f} at first, {float(losses[-1]):.4f} at last{unit}"


def _asked(prompt: Prompt) -> str:
    said = "With this prompt, which lies beside the weights in `reason_w2s.json`:"
    return f"{said}\n\n```yaml\n{_yaml(prompt.model_dump(mode='json'))}```"


def _measured() -> str:
    return (
        "```bash\nreason-w2s eval PATH --suite gsm8k\n```\n\nasks with that prompt and tells "
        "accuracy with its interval, and how often the model stops by itself."
    )


def _versions(packages: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for package in packages:
        try:
            yield package, importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue


def _card(head: str, title: str, what: str, parts: Mapping[str, str]) -> str:
    sections = [f"## {name}\n\n{text}" for name, text in parts.items()]
    return "\n\n".join([f"---\n{head}---", f"# {title}", what, *sections]) + "\n"


def _list(pairs: Any) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in pairs)


def _quoted(card: str) -> str:
    body = card.split("---\n", 2)[2] if card.startswith("---\n") else card
    return "\n".join(f"> {line}".rstrip() for line in body.strip().splitlines())


def _yaml(data: Mapping[str, Any]) -> str:
    stream = io.StringIO()
    YAML().dump(dict(data), stream)
    return stream.getvalue()
