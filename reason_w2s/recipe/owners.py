"""Which file owns which key: what is learned, where it runs, how it is measured."""

from __future__ import annotations

RECIPE = "a recipe (recipes/*.yaml)"
PROFILE = "a profile (launch/profiles/*.yaml)"
SUITE = "a suite (eval/suites/*.yaml)"

OWNERS: dict[str, str] = {
    "batch": f"{RECIPE}, under a train step",
    "updates": f"{RECIPE}, under a train step",
    "lora": f"{RECIPE}, under a train step",
    "trainer": f"{RECIPE}, under a train step",
    "loss": f"{RECIPE}, under a train step",
    "learning_rate": f"{RECIPE}, under a train step's trainer",
    "max_length": f"{RECIPE}, under a train step's trainer",
    "num_train_epochs": f"{RECIPE}, under a train step's trainer",
    "temperature": f"{RECIPE}, under a sample step's sampling, or {SUITE}",
    "max_tokens": f"{RECIPE}, under a sample step's sampling, or {SUITE}",
    "processes": f"{PROFILE}, under train",
    "machines": f"{PROFILE}, under train",
    "zero_stage": f"{PROFILE}, under train",
    "offload": f"{PROFILE}, under train",
    "deepspeed": f"{PROFILE}, as train.zero_stage",
    "micro_batch": f"{PROFILE}, under train",
    "per_device_train_batch_size": f"{PROFILE}, as train.micro_batch",
    "gradient_accumulation_steps": f"{PROFILE}: it is derived from train.micro_batch",
    "gradient_checkpointing": f"{PROFILE}, under train",
    "save_updates": f"{PROFILE}, under train",
    "report_to": f"{PROFILE}, under train",
    "threads": f"{PROFILE}, under train",
    "gpu_memory_utilization": f"{PROFILE}, under engine",
    "tensor_parallel_size": f"{PROFILE}, under engine",
    "pipeline_parallel_size": f"{PROFILE}, under engine",
    "sizes": f"{PROFILE}, under engine",
    "replicas": f"{PROFILE}, under engine",
    "max_model_len": f"{PROFILE}, under engine",
    "max_num_seqs": f"{PROFILE}, under engine",
    "enforce_eager": f"{PROFILE}, under engine",
    "concurrency": f"{PROFILE}, under engine.server",
    "timeout_s": f"{PROFILE}, under engine.server",
    "retries": f"{PROFILE}, under engine.server",
    "api_key_env": f"{PROFILE}, under engine.server",
    "base_url": f"{RECIPE}, as a model's path",
    "isolate": PROFILE,
    "workers": PROFILE,
    "slurm": PROFILE,
    "environment": PROFILE,
}


def elsewhere(key: str) -> str | None:
    """`; it belongs in ...` for a key that some file owns, else None."""
    return f"; it belongs in {OWNERS[key]}" if key in OWNERS else None
