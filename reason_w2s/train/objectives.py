"""The training objectives there are. One literal table: what each learns from, and TRL's names."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any, Literal, NamedTuple

from reason_w2s.errors import require

Name = Literal["sft", "dpo", "orpo", "kto", "grpo", "distillation", "reward", "regress"]
Learns = Literal["answers", "pairs", "verdicts", "values", "problems"]


class Objective(NamedTuple):
    """One objective.

    module: the file that makes its TRL config and trainer, by `config(arguments, longest)` and
    `build(job)`. config: TRL's config class, "module:Class". learns: what one example is.
    reference: it holds the policy against a reference model, by default the one it starts from.
    least: the fewest examples that TRL takes in one forward pass.
    group: completions of each problem that it samples while it trains, where `num_generations`
    says no other number; 0: it samples nothing. reward: it is told how good each of them is.
    teacher: it follows another model's distributions. logits: it holds those of a pass whole.
    head: it trains a model that gives a text one number, in place of one that writes.
    """

    module: str
    config: str
    learns: Learns
    reference: bool = False
    least: int = 1
    group: int = 0
    reward: bool = False
    teacher: bool = False
    logits: bool = False
    head: bool = False

    def load(self) -> ModuleType:
        """Its file."""
        return importlib.import_module(self.module)

    def config_class(self) -> type[Any]:
        """TRL's config class.

        Raises:
            ConfigError: TRL is not installed.
        """
        require("trl", "train")
        module, name = self.config.split(":")
        found: type[Any] = getattr(importlib.import_module(module), name)
        return found


OBJECTIVES: Mapping[Name, Objective] = MappingProxyType(
    {
        "sft": Objective("reason_w2s.train.sft", "trl:SFTConfig", "answers"),
        "dpo": Objective("reason_w2s.train.dpo", "trl:DPOConfig", "pairs", reference=True),
        "orpo": Objective(
            "reason_w2s.train.orpo", "trl.experimental.orpo:ORPOConfig", "pairs", logits=True
        ),
        "kto": Objective(
            "reason_w2s.train.kto", "trl:KTOConfig", "verdicts", reference=True, least=2
        ),
        "grpo": Objective(
            "reason_w2s.train.grpo", "trl:GRPOConfig", "problems", group=8, reward=True
        ),
        "distillation": Objective(
            "reason_w2s.train.distillation",
            "trl:DistillationConfig",
            "problems",
            group=1,
            teacher=True,
        ),
        "reward": Objective("reason_w2s.train.reward", "trl:RewardConfig", "pairs", head=True),
        "regress": Objective("reason_w2s.train.regress", "trl:RewardConfig", "values", head=True),
    }
)
"""By the name that a recipe gives under `objective`."""
