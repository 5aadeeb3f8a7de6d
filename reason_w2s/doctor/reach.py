"""Checks that every model, problem set and file is there, and is what the recipe says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reason_w2s.doctor.case import Case, failed
from reason_w2s.doctor.finding import Fact, Finding, Said, Unchecked
from reason_w2s.doctor.models import complete
from reason_w2s.engines import endpoint
from reason_w2s.engines.client import Client, is_url
from reason_w2s.engines.model_folder import find_prompt
from reason_w2s.errors import ConfigError, DataError, W2SError
from reason_w2s.recipe.plan import Step
from reason_w2s.runs.makers import located
from reason_w2s.stages.imports import ImportConfig

ENDPOINT_TIMEOUT_S = 5.0
STOPS = "the run stops there, after what it does before"


def models(case: Case) -> Iterator[Said]:
    """Folders, hub names and endpoints; that each model says how it is asked."""
    for step in case.plan.steps.values():
        path = str(step.config.get("path") or step.config.get("like") or "")
        if step.stage not in ("model", "scratch") or not path:
            continue
        yield from _endpoint(case, step, path) if is_url(path) else _model(case, step, path)


def problems(case: Case) -> Iterator[Said]:
    """Problem sets: their files, columns and what is left of them after the recipe's cuts."""
    sizes: dict[str, int] = {}
    for step in case.plan.steps.values():
        if step.stage != "problems":
            continue
        found = case.sets.problems(step.name)
        if found.wrong:
            yield failed(DataError(found.wrong), case.at(step), STOPS)
        elif found.problems is None:
            yield Unchecked(f"problems '{step.name}' and their columns", found.absent)
        else:
            sizes[step.name] = len(found.problems)
    if sizes:
        told = ", ".join(f"{name} {_how_many(case, name)}" for name in sizes)
        yield Fact("problems", told, sizes)


def imports(case: Case) -> Iterator[Said]:
    """Files of imported traces, and that their rows find their problems."""
    for step in case.plan.steps.values():
        if step.stage != "import":
            continue
        gone = [one for one in ImportConfig.model_validate(step.config).file if not _file(one)]
        if gone:
            todo = f"put it there, or name another: {step.place}.file=FILE"
            yield Finding(f"{gone[0]} is not there", case.at(step, "file"), STOPS, todo)
            continue
        missing = [name for name in step.of if not _all_here(case, name)]
        if missing:
            why = f"not all problems of {', '.join(missing)} were read here"
            yield Unchecked(f"whether the rows of '{step.name}' find their problems", why)
            continue
        try:
            traces = case.sets.imported(step)
        except DataError as error:
            yield failed(error, case.at(step), STOPS)
            continue
        if traces:
            more = " looked at, of a large file" if case.sets.large(step) else ""
            told = f"{step.name}: {len(traces):,} traces{more}"
            yield Fact("imports", told, {step.name: len(traces)})
        else:
            todo = "is its id or question column the problems'? see import.columns"
            what = "none of its rows finds a problem"
            yield Finding(what, case.at(step, "columns"), STOPS, todo)


def _all_here(case: Case, name: str) -> bool:
    """Whether no problem of a set can be missing; the run may leave some out yet."""
    found = case.sets.problems(name)
    near = "near" in case.plan.steps[name].config
    return found.problems is not None and (found.whole or near)


def _how_many(case: Case, name: str) -> str:
    found = case.sets.problems(name)
    size = f"{len(found.problems or []):,}"
    if found.whole:
        return size
    # the run will leave out what a suite asks too
    return f"at most {size}" if "near" in case.plan.steps[name].config else f"{size} looked at"


def _file(name: str) -> bool:
    return Path(name).is_file()


def _model(case: Case, step: Step, path: str) -> Iterator[Said]:
    place = case.models.place(step.name)
    if place.folder is None:
        if place.wrong:
            todo = "name a model folder, or a model of the hub (OWNER/NAME)"
            yield Finding(f"{path}: {place.absent}", case.at(step, "path"), STOPS, todo)
        else:
            yield Unchecked(f"{path} ('{step.name}')", f"{place.absent}; {_bring(path)}")
        return
    yield from _asked(case, step, path, place.folder)
    if Path(path).is_dir() and step.stage == "model":
        try:
            located.place(step, fake=False)
        except ConfigError as error:
            yield failed(error, case.at(step, "path"), STOPS)
            return
    here = step.stage == "scratch" or complete(place.folder)
    told = "is here" if here else "is known; the run fetches its weights"
    yield Fact("models", f"{step.name}: {path} {told}")


def _bring(path: str) -> str:
    return f"hf download {path} --exclude '*.safetensors' brings what doctor needs"


def _asked(case: Case, step: Step, path: str, folder: Path) -> Iterator[Said]:
    """Whether the recipe, or the checkpoint, says how the model is asked."""
    if step.stage == "model" and step.config["prompt"] is None and find_prompt(folder) is None:
        what = f"{path} carries no prompt (it was not trained here)"
        todo = "give it one of `reason-w2s prompts`, or a file of yours"
        yield Finding(what, case.at(step, "prompt"), STOPS, todo)


def _endpoint(case: Case, step: Step, path: str) -> Iterator[Said]:
    quick = {"retries": 0, "timeout_s": ENDPOINT_TIMEOUT_S}
    settings = case.profile.engine.server.model_copy(update=quick)
    try:
        card = endpoint.card(Client(path, settings), step.config["served"])
    except W2SError as error:
        yield failed(error, case.at(step, "path"), "what it samples cannot be made")
        return
    yield Fact("models", f"{step.name}: {path} answers and serves '{card.id}'")
    place = case.models.place(step.name)
    if place.wrong:
        todo = "name a folder or hub name that has its tokenizer"
        yield Finding(place.absent, case.at(step, "tokenizer"), STOPS, todo)
