"""Models that exist already: a folder, hub name, endpoint, or another step's asked differently."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reason_w2s.engines import shards
from reason_w2s.engines.client import is_url
from reason_w2s.engines.model_folder import (
    chat_template,
    find_prompt,
    fingerprint,
    has_tokenizer,
    is_adapter,
    resolve,
    template_folder,
    tokenizer_folder,
)
from reason_w2s.errors import ConfigError, DataError
from reason_w2s.prompts.fitting import hint
from reason_w2s.recipe.plan import Step
from reason_w2s.runs import rows
from reason_w2s.runs.items import Item, ModelRef
from reason_w2s.runs.makers import gathered
from reason_w2s.runs.makers.endpoints import model_at
from reason_w2s.runs.work import Work


def find(work: Work) -> Item | None:
    """The model with its content's fingerprint; None: its shards are not gathered yet.

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
    given = place(work.step, fake=fake)
    prompt = asked(work.step, given)[0]
    found = _loadable(work, given)
    if found is None:
        return None
    folder, mark = found
    if given is not None and not fake:
        _must_have_tokenizer(work.step, Path(folder))
    dtype = config["dtype"] or (_saved_dtype(Path(folder)) if given else "float32")
    model = ModelRef(folder, mark, prompt, dtype)
    return Item(work.step.name, "model", "model", mark, mark, model=model)


def make(work: Work) -> None:
    """Gather a model's shards; every other one is there as it is."""
    given = place(work.step, fake=work.profile.sampler == "fake")
    assert given is not None, f"a located model is never missing: {work.step.name}"
    gathered.make(work.store, given, work.run)


def place(step: Step, *, fake: bool) -> Path | None:
    """The folder that a `model` step names, its shards perhaps not gathered yet.

    None: there is none, which is enough for the fake engine: it loads nothing.

    Raises:
        ConfigError: there is none, or it holds no model.
    """
    named = step.config["path"]
    if fake and not Path(named).exists():
        return None
    if shards.needed(Path(named)) and _has_config(Path(named)):
        return Path(named).resolve()
    try:
        return resolve(named, step.config["revision"]).resolve()
    except ConfigError as error:
        raise ConfigError(f"models.{step.name}.path: {error}") from error


def asked(step: Step, given: Path | None) -> tuple[Mapping[str, Any], Path | None]:
    """The prompt of a `model` step, and the folder it was found in (None: the recipe has it).

    Raises:
        ConfigError: there is none.
    """
    if step.config["prompt"] is not None:
        return step.config["prompt"], None
    saved = None if given is None else find_prompt(given)
    if saved is not None:
        return saved[0].model_dump(mode="json"), saved[1]
    known = ""
    if given is not None:
        template = template_folder(given)
        known = f"; {hint(None if template is None else chat_template(template))}"
    raise ConfigError(
        f"models.{step.name}: {step.config['path']} carries no prompt (it was not trained here); "
        f"give it one: --prompt NAME in eval, models.{step.name}.prompt in a recipe{known}"
    )


def _loadable(work: Work, given: Path | None) -> tuple[str, str] | None:
    """The folder that engines load, and its fingerprint."""
    if given is None:
        return work.step.config["path"], work.step.config["path"]
    if not shards.needed(given):
        return str(given), fingerprint(given)
    found = gathered.find(work.store, given)
    return None if found is None else (str(found.folder), found.fingerprint)


def _asked_differently(work: Work) -> Item:
    model = work.role("model")
    prompt = dict(work.step.config["prompt"] or model.reference().prompt or {})
    if "shots" in work.step.roles:
        prompt["shots"] = list(_shots(work))
    asked = replace(model.reference(), prompt=prompt)
    return replace(model, step=work.step.name, model=asked)


def _shots(work: Work) -> Iterator[dict[str, str]]:
    """Questions with the responses of traces, or with gold solutions, in their order."""
    item = work.role("shots")
    if item.kind == "traces":
        for row in rows.rows(work.store, item):
            yield {"question": row.problem.question, "response": row.trace.text.strip()}
        return
    for problem in rows.problems(work.store, item):
        if problem.solution is None:
            raise DataError(f"{work.step.place}.shots: '{problem.id}' has no solution to show")
        yield {"question": problem.question, "response": problem.solution}


def _must_have_tokenizer(step: Step, folder: Path) -> None:
    """Said before an engine is opened, which takes half a minute.

    Raises:
        ConfigError: there is none, with the model or where an adapter's base lies.
    """
    lies = tokenizer_folder(folder)
    if not has_tokenizer(lies):
        raise ConfigError(
            f"models.{step.name}.path: {lies}: there is no tokenizer (tokenizer.json, ...); copy "
            "that of the model it was trained from into it"
        )


def _has_config(folder: Path) -> bool:
    return is_adapter(folder) or (folder / "config.json").is_file()


def _saved_dtype(folder: Path) -> str:
    """The precision a checkpoint was saved in; an adapter's is its base's business."""
    config = folder / "config.json"
    if not config.is_file():
        return "float32"
    saved = json.loads(config.read_text(encoding="utf-8"))
    return str(saved.get("dtype") or saved.get("torch_dtype") or "float32")
