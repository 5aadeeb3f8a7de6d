"""How an engine is set up: what changes speed and memory, never what is asked."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ServerSettings(BaseModel):
    """How an endpoint is asked.

    concurrency: requests in flight. timeout_s: for one request, from connecting to the last byte; a
    long response on a busy server takes minutes. retries: how often a request is asked again when
    nothing came of it (429, 5xx, no connection, no answer in time, garbage). backoff_s: the first
    wait before that; it doubles up to a minute, less up to half at random, and is never shorter
    than a Retry-After. api_key_env: the environment variable that holds the key. fields: which
    settings are sent beyond OpenAI's own; auto: by who the endpoint says it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: int = Field(32, ge=1)
    timeout_s: float = Field(600.0, gt=0)
    retries: int = Field(8, ge=0)
    backoff_s: float = Field(1.0, gt=0)
    api_key_env: str = "OPENAI_API_KEY"
    fields: Literal["auto", "vllm", "sglang", "openai"] = "auto"


class EngineSettings(BaseModel):
    """One engine's memory, parallelism and precision. The fake engine ignores all of it.

    max_model_len: prompt and response together, in tokens; None: what the model's config allows.
    max_num_seqs: requests in flight; a finished one makes room for the next.
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
    enforce_eager: bool = False
    kv_cache_gib: float = Field(1.0, gt=0)
    threads: int | None = Field(None, ge=1)
    stop_loops: bool = False
    server: ServerSettings = ServerSettings()
