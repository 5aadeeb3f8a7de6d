"""Models that exist already: a folder, hub name, endpoint, or another step's asked differently."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from reason_w2s.engines.client import is_url
from reason_w2s.engines.model_folder import fingerprint, load_prompt, resolve
from reason_w2s.errors import ConfigError
from reason_w2s.runs.items import Item, ModelRef
from reason_w2s.runs.makers.endpoints import model_at
from reason_w2s.runs.work import Work


def find(work: Work) -> Item:
    """The model with its content's fingerprint.

    Raises:
        ConfigError: no such folder, not a model, or no prompt to ask it with.
        EngineError: an endpoint cannot be reached, and never was.
    """
    if work.step.stage == "prompted":
        return _asked_differently(work)
    config, fake = work.step.config, work.profile.sampler == "fake"
    if is_url(config["path"]) and not fake:
        model = model_at(work)
        mark = model.fingerprint
        return Item(work.step.name, "model", "model", mark, mark, model=model)
    folder, name = _resolve(work.step.name, config, fake=fake)
    mark = name if folder is None else fingerprint(folder)
    saved = load_prompt(folder) if folder is not None else None
    prompt = config["prompt"] or (saved.model_dump(mode="json") if saved else None)
    if prompt is None:
        raise ConfigError(
            f"models.{work.step.name}: {config['path']} carries no prompt (it was not trained "
            f"here); give it one: models.{work.step.name}.prompt in a recipe, --prompt NAME in eval"
        )
    dtype = config["dtype"] or (_saved_dtype(folder) if folder else "float32")
    model = ModelRef(str(folder or name), mark, prompt, dtype)
    return Item(work.step.name, "model", "model", mark, mark, model=model)


def make(work: Work) -> None:
    """Nothing to make."""
    raise AssertionError(f"a located model is never missing: {work.step.name}")


def _asked_differently(work: Work) -> Item:
    model = work.role("model")
    asked = replace(model.reference(), prompt=work.step.config["prompt"])
    return replace(model, step=work.step.name, model=asked)


def _resolve(step: str, config: Any, *, fake: bool) -> tuple[Path | None, str]:
    """A local folder; for the fake engine, which loads nothing, a name is enough."""
    named = config["path"]
    if fake and not Path(named).is_dir():
        return None, named
    try:
        return resolve(named, config["revision"]).resolve(), named
    except ConfigError as error:
        raise ConfigError(f"models.{step}.path: {error}") from error


def _saved_dtype(folder: Path) -> str:
    """The precision a checkpoint was saved in; an adapter's is its base's business."""
    config = folder / "config.json"
    if not config.is_file():
        return "float32"
    saved = json.loads(config.read_text(encoding="utf-8"))
    return str(saved.get("dtype") or saved.get("torch_dtype") or "float32")
