"""How an engine is set up: what changes speed and memory, never what is asked."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EngineSettings(BaseModel):
    """One engine's memory, parallelism and precision. The fake engine ignores all of it.

    max_model_len: prompt and response together, in tokens; None: what the model's config allows.
    max_num_seqs: requests in flight; a finished one makes room for the next.
    kv_cache_gib: the key-value cache on CPU; on a GPU `gpu_memory_utilization` decides.
    threads: torch threads; None leaves them alone (OMP_NUM_THREADS rules).
    stop_loops: let vLLM end a response that repeats one pattern of at most 64 tokens eight times in
    a row. It leaves as "length": it did not stop by itself. It changes responses, so it belongs
    into a trace's identity.
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
