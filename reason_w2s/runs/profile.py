"""Where a run happens: processes, memory, engine. Nothing here changes what is learned."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from reason_w2s import trust
from reason_w2s.engines.protocols import EngineName
from reason_w2s.engines.settings import EngineSettings
from reason_w2s.runs.slurm import SlurmSettings
from reason_w2s.train.config import TrainProfile

Isolate = Literal["none", "kind", "step"]


class Workers(BaseModel):
    """How many processes of each kind may work at once (`isolate: kind` and `step`).

    total: of both kinds together; 1 where sampling and training would share a GPU's memory.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: int = Field(1, ge=1)
    torch: int = Field(1, ge=1)
    total: int | None = Field(None, ge=1)


class Profile(BaseModel):
    """A machine.

    isolate: none (all in this process), kind (one long-lived process for sampling and one for
    training, models swapped inside), step (a process per step: memory comes back, a crash takes
    only its step).
    sampler: the engine that samples. environment: variables set in every worker.
    slurm: how `submit` makes jobs of a recipe here; None: this machine has no Slurm.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    isolate: Isolate = "kind"
    sampler: EngineName = "vllm"
    workers: Workers = Workers()
    engine: EngineSettings = EngineSettings()
    train: TrainProfile = TrainProfile()
    environment: dict[str, str] = Field(default_factory=dict)
    slurm: SlurmSettings | None = None

    @model_validator(mode="after")
    def _replicas_have_workers(self) -> Profile:
        if self.engine.most_replicas > 1 and self.isolate == "none":
            raise ValueError("engine.replicas are processes of their own; use isolate: step")
        if self.engine.most_replicas > 1 and self.workers.engine > 1:
            raise ValueError(
                "workers.engine and engine.replicas would both share the GPUs out; leave "
                "workers.engine at 1"
            )
        return self

    @field_validator("environment")
    @classmethod
    def _no_trust(cls, value: dict[str, str]) -> dict[str, str]:
        if trust.VARIABLE in value:
            raise ValueError(f"{trust.VARIABLE} is no setting; give {trust.OPTION} to the command")
        return value
