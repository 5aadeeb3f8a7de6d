"""The checker as a reward of TRL's GRPOTrainer: 1 for a right answer, 0 for a wrong one or none.

    from reason_w2s.answers.reward import reward, reward_for

    GRPOTrainer(..., reward_funcs=[reward])                              # gold column `solution`
    GRPOTrainer(..., reward_funcs=[reward_for("answer", kind="number")])

What cannot be decided is None, which TRL leaves out of the loss; with `unread=0.0` only where that
is the gold answer's fault, so that babble does not go unpunished. It needs neither torch nor TRL,
works in any thread and process, and can be pickled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reason_w2s.answers.equal import check_kind
from reason_w2s.answers.finding.extract import extract
from reason_w2s.answers.many import check_many
from reason_w2s.answers.verdict import Kind, Verdict
from reason_w2s.errors import ConfigError

Completion = str | Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Reward:
    """A reward function, made by `reward_for`. TRL logs it as `rewards/<name>`."""

    column: str = "solution"
    kind: Kind = "auto"
    options: str | None = None
    rel_tol: float = 0.0
    name: str = "answer"
    workers: int | None = 1
    unread: float | None = None

    def __post_init__(self) -> None:
        check_kind(self.kind, self.rel_tol)

    @property
    def __name__(self) -> str:
        return self.name

    def __call__(
        self,
        prompts: Sequence[Any] | None = None,
        completions: Sequence[Completion] = (),
        *,
        log_extra: Callable[[str, list[Any]], None] | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One reward per completion: 1.0, 0.0, or None where it is undecided.

        A completion is a text or a list of messages, of which the last that says something counts.
        Each row's answer and status go into TRL's table of completions, and the undecided share
        into its metrics.

        Raises:
            ConfigError: the data set lacks the column, or has another number of rows.
        """
        golds = [final(gold) for gold in _column(columns, self.column)]
        verdicts = check_many(
            [text(completion) for completion in completions],
            golds,
            self.kind,
            _column(columns, self.options) if self.options else None,
            self.workers,
            rel_tol=self.rel_tol,
        )
        pairs = zip(verdicts, golds, strict=True)
        rewards = [_reward(verdict, gold, self.unread) for verdict, gold in pairs]
        if log_extra is not None:
            log_extra(f"{self.name}_extracted", [verdict.answer for verdict in verdicts])
            log_extra(f"{self.name}_status", [verdict.status for verdict in verdicts])
        if log_metric is not None and rewards:
            log_metric(f"{self.name}_undecided", rewards.count(None) / len(rewards))
        return rewards


def reward_for(  # noqa: PLR0913
    column: str = "solution",
    kind: Kind = "auto",
    *,
    options: str | None = None,
    rel_tol: float = 0.0,
    name: str = "answer",
    workers: int | None = 1,
    unread: float | None = None,
) -> Reward:
    """A reward that reads its gold answers in `column` of the data set.

    `options` names the column that holds the texts of a multiple choice. `kind` and `rel_tol` are
    those of `check`; `workers` those of `check_many`: 1 checks in the trainer's process, quick
    enough for some thousands of completions. `unread`: the reward of a response whose answer cannot
    be read.

    Raises:
        ConfigError: there is no such kind, or a tolerance is out of range.
    """
    return Reward(column, kind, options, rel_tol, name, workers, unread)


def text(completion: Any) -> Any:
    """What a completion says: itself, or the content of its last message that has one."""
    if isinstance(completion, str) or not isinstance(completion, Sequence):
        return completion
    said = (_content(message) for message in reversed(completion))
    return next((content for content in said if content), None)


def _content(message: Any) -> str | None:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, dict))
        content = "".join(part for part in parts if isinstance(part, str))
    return content if isinstance(content, str) else None


def final(gold: Any) -> Any:
    """The answer of a gold that is a whole solution with a box or `####`; else the gold itself."""
    if not isinstance(gold, str) or not ("\\boxed" in gold or "####" in gold):
        return gold
    found = extract(gold, "latex")
    return found.answer if found and found.rule in ("boxed", "hashes") else gold


def _column(columns: dict[str, Any], name: str) -> Sequence[Any]:
    found: Sequence[Any] | None = columns.get(name)
    if found is None:
        have = ", ".join(key for key, value in columns.items() if isinstance(value, list))
        raise ConfigError(
            f"reward: no column '{name}' in the data set (it has: {have or 'none'}); "
            f"name yours with reward_for(column=...)"
        )
    return found


def _reward(verdict: Verdict, gold: Any, unread: float | None) -> float | None:
    # Without a gold answer not even a silent response is wrong.
    if gold is None or gold == "":
        return None
    if verdict.correct is None:
        return unread if verdict.status == "unparseable_prediction" else None
    return float(verdict.correct)


reward = Reward()
