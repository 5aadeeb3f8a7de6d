"""What objectives that sample while they train have in common.

They learn from problems: a row is the exact ids that ask (`prompt`) and what a reward reads. TRL
would render prompts by its own rules; the overrides of its trainers hand it the ids instead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reason_w2s.errors import ConfigError, DataError
from reason_w2s.prompts import Prompt
from reason_w2s.train.config import TrainProfile, TrainSettings
from reason_w2s.train.job import Rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def check_groups(settings: TrainSettings) -> None:
    """Refuse a batch that no whole groups of completions fill.

    Raises:
        ConfigError: which number does not divide, and what to set.
    """
    group, batch, generation = settings.group, settings.batch, settings.generation
    if settings.by.reward and group < 2:
        raise ConfigError(
            f"trainer.num_generations: {group}; completions are compared with others of the same "
            f"problem, so 2 or more are needed"
        )
    if batch % group:
        raise ConfigError(
            f"batch {batch} completions are no multiple of trainer.num_generations {group}; "
            f"change one of them"
        )
    if generation % batch:
        raise ConfigError(
            f"trainer.generation_batch_size {generation} is no multiple of batch {batch}; "
            f"change one of them"
        )


def check_rows(rows: Rows, settings: TrainSettings, prompt: Prompt, positions: int | None) -> None:
    """Refuse problems that cannot be asked or judged. `positions`: tokens the model takes.

    Raises:
        ConfigError: prompt and completion do not fit into the model, or the prompt ends responses
            with strings that TRL would take for cut ones.
        DataError: a reward is asked for and problems have no gold answer.
    """
    longest = max(len(row["prompt"]) for row in rows)
    most = settings.longest
    if positions is not None and longest + most > positions:
        raise ConfigError(
            f"trainer.max_completion_length: {most} tokens after a prompt of {longest} are more "
            f"than the {positions} that the model takes; set it to {max(1, positions - longest)}"
        )
    if prompt.stop and settings.trainer.get("mask_truncated_completions"):
        raise ConfigError(
            "trainer.mask_truncated_completions: the model's prompt ends responses with stop "
            "strings, and TRL takes such responses for cut ones; ask with a prompt without 'stop'"
        )
    without = sum(row["gold"] is None for row in rows)
    if settings.by.reward and without:
        raise DataError(
            f"{without} of {len(rows)} problems have no gold answer to reward; leave them out, or "
            f"name the column that holds it (columns.gold)"
        )


def arguments(profile: TrainProfile) -> dict[str, Any]:
    """The keyword arguments that only TRL configs of sampling objectives take."""
    given: dict[str, Any] = {
        # rows come as `examples.stream` laid them out
        "shuffle_dataset": False,
    }
    if profile.rollouts == "vllm":
        given |= {
            "use_vllm": True,
            "vllm_mode": "colocate",
            "vllm_gpu_memory_utilization": profile.rollout_memory,
        }
    return given


def problems_asked(settings: TrainSettings, updates: int) -> int:
    """Problems that so many updates ask: each generation asks as many as it has groups."""
    generations = math.ceil(updates * settings.batch / (settings.generation * settings.reused))
    return generations * (settings.generation // settings.group)


def updates_per_generation(settings: TrainSettings) -> int:
    """Updates from one sampling to the next: only there a run can go on as if never stopped."""
    return max(1, settings.generation * settings.reused // settings.batch)


def generated(tokens_seen: float, asked: Rows, settings: TrainSettings) -> int:
    """Tokens sampled, of the `tokens_seen` that TRL counts over prompts and completions."""
    return round(tokens_seen) - settings.group * sum(len(row["prompt"]) for row in asked)


def ended(
    ids: list[list[int]], stop: Sequence[str], tokenizer: PreTrainedTokenizerBase
) -> list[list[int]]:
    """Completions up to the first of the prompt's stop strings, whose last token is kept."""
    return [_ended(one, stop, tokenizer) for one in ids] if stop else ids


def said(text: str, stop: Sequence[str]) -> str:
    """The response before its stop string, as the engines give it back."""
    return text[: min((at for at in map(text.find, stop) if at >= 0), default=len(text))]


def _ended(ids: list[int], stop: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    if not _stops(ids, stop, tokenizer):
        return ids
    low, high = 1, len(ids)
    # a text grows with its ids, so the first that holds the string is found by halving
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _stops(ids[:middle], stop, tokenizer) else (middle + 1, high)
    return ids[:low]


def _stops(ids: list[int], stop: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> bool:
    text = str(tokenizer.decode(ids, skip_special_tokens=True))
    return any(one in text for one in stop)
