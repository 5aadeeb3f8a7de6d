"""How an engine is set up: what changes speed and memory, never what is asked."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

UNITS = {"M": 10**6, "B": 10**9, "T": 10**12}


def count_of(value: Any) -> Any:
    """A number of parameters as people write it: "500M", "14B", 1.4e10."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([MBT])", value) if isinstance(value, str) else None
    if found is None and isinstance(value, str):
        raise ValueError("expected a number of parameters such as 500M, 14B or 1.4e10")
    return value if found is None else round(float(found[1]) * UNITS[found[2]])


Parameters = Annotated[float, BeforeValidator(count_of), Field(gt=0)]


class ServerSettings(BaseModel):
    """How an endpoint is asked.

    concurrency: requests in flight. timeout_s: for one request, from connecting to the last byte; a
    long response on a busy server takes minutes. retries: how often a request is asked again when
    nothing came of it (429, 5xx, no connection, no answer in time, garbage). backoff_s: the first
    wait before that; it doubles up to a minute, less up to half at random, and is never shorter
    than a Retry-After. api_key_env: the environment variable that holds the key. key_hosts: the
    hosts it may be sent to, besides this machine: a recipe says which endpoint is asked, and
    whoever wrote it shall not get the key. fields: which settings are sent beyond OpenAI's own;
    auto: by who the endpoint says it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: int = Field(32, ge=1)
    timeout_s: float = Field(600.0, gt=0)
    retries: int = Field(8, ge=0)
    backoff_s: float = Field(1.0, gt=0)
    api_key_env: str = "OPENAI_API_KEY"
    key_hosts: tuple[str, ...] = ("api.openai.com",)
    fields: Literal["auto", "vllm", "sglang", "openai"] = "auto"


class OfSize(BaseModel):
    """What an engine takes for models of at most `up_to` parameters; None: of any size.

    Parameters are counted, not read from a name: Qwen2.5-14B has 14.8 billion.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    up_to: Parameters | None = None
    tensor_parallel_size: int | None = Field(None, ge=1)
    pipeline_parallel_size: int | None = Field(None, ge=1)
    replicas: int | None = Field(None, ge=1)
    max_model_len: int | None = Field(None, ge=2)
    max_num_seqs: int | None = Field(None, ge=1)
    gpu_memory_utilization: float | None = Field(None, gt=0, le=1)


class EngineSettings(BaseModel):
    """One engine's memory, parallelism and precision. The fake engine ignores all of it.

    max_model_len: prompt and response together, in tokens; None: what the model's config allows.
    max_num_seqs: requests in flight; a finished one makes room for the next.
    tensor_parallel_size, pipeline_parallel_size: GPUs that share each layer, and groups of such
    GPUs that share the layers out; their product holds one model.
    replicas: engines of one model that draw a sample step together, each on GPUs of its own.
    sizes: what holds instead for models up to a size, the smallest first; a model larger than all
    of them takes the settings beside it.
    kv_cache_gib: the key-value cache on CPU; on a GPU `gpu_memory_utilization` decides.
    threads: torch threads; None leaves them alone (OMP_NUM_THREADS rules).
    stop_loops: let vLLM end a response that repeats one pattern of at most 64 tokens eight times in
    a row. It leaves as "length": it did not stop by itself. It changes responses, so it belongs
    into a trace's identity.
    server: for models at an endpoint, which heed `stop_loops` and nothing else of the above.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dtype: Literal["float32", "bfloat16", "float16", "auto"] = "auto"
    max_model_len: int | None = Field(None, ge=2)
    max_num_seqs: int = Field(256, ge=1)
    gpu_memory_utilization: float = Field(0.9, gt=0, le=1)
    tensor_parallel_size: int = Field(1, ge=1)
    pipeline_parallel_size: int = Field(1, ge=1)
    replicas: int = Field(1, ge=1)
    sizes: tuple[OfSize, ...] = ()
    enforce_eager: bool = False
    kv_cache_gib: float = Field(1.0, gt=0)
    threads: int | None = Field(None, ge=1)
    stop_loops: bool = False
    server: ServerSettings = ServerSettings()

    @model_validator(mode="after")
    def _sizes_grow(self) -> EngineSettings:
        limits = [one.up_to or float("inf") for one in self.sizes]
        if any(one >= other for one, other in pairwise(limits)):
            raise ValueError("sizes: expected the smallest up_to first, and none twice")
        return self

    @property
    def gpus(self) -> int:
        """GPUs that one engine takes."""
        return self.tensor_parallel_size * self.pipeline_parallel_size

    @property
    def most_replicas(self) -> int:
        """The replicas of the size that has most of them."""
        return max(self.replicas, *(one.replicas or 1 for one in self.sizes), 1)

    def of_size(self, parameters: int | None) -> EngineSettings:
        """The settings for a model of so many parameters; None, not known: those beside `sizes`."""
        fits = (
            one
            for one in self.sizes
            if parameters is not None and (one.up_to is None or parameters <= one.up_to)
        )
        found = next(fits, None)
        said = {} if found is None else found.model_dump(exclude={"up_to"}, exclude_none=True)
        return self.model_copy(update={**said, "sizes": ()})
