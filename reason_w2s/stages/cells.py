"""What a cell of somebody else's table says: responses, questions, how a generation ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reason_w2s.records import FinishReason

MISSING = object()
"""No such column in a row; None: the column is there, and empty."""

ASSISTANT = ("assistant", "gpt", "model")
USER = ("user", "human")
ENDS: dict[FinishReason, tuple[Any, ...]] = {
    "stop": (True, "stop", "eos", "eos_token", "end_turn", "stop_sequence"),
    "length": (False, "length", "max_tokens"),
    "error": ("error", "abort", "content_filter"),
}


def cell(row: Mapping[str, Any], name: str) -> Any:
    """The value of a column, or of a nested one named by a path such as `meta.id`."""
    if name in row:
        return row[name]
    first, dot, rest = name.partition(".")
    inner = row.get(first, MISSING)
    if not dot or not isinstance(inner, Mapping):
        return MISSING
    return cell(inner, rest)


def responses(value: Any) -> list[str | None]:
    """One response, a list of them, or a conversation (its last assistant turn); None: no text."""
    if _is_conversation(value):
        return [_turn(value, ASSISTANT)]
    if not isinstance(value, (list, tuple)):
        return [text_of(value)]
    return [_turn(one, ASSISTANT) if _is_conversation(one) else text_of(one) for one in value]


def question(value: Any) -> str | None:
    """A question, or a conversation's first user turn, with runs of blanks made one."""
    text = _turn(value[::-1], USER) if _is_conversation(value) else text_of(value)
    return normalised(text) if text else None


def normalised(text: str) -> str:
    """The text with every run of blanks and line ends as one blank."""
    return " ".join(text.split())


def finished(value: Any) -> FinishReason | None:
    """How a generation ended, from a flag (`is_reasoning_complete`) or a finish reason.

    None for a value that means no end we know.
    """
    return next((end for end, values in ENDS.items() if value in values), None)


def _is_conversation(value: Any) -> bool:
    return bool(
        isinstance(value, (list, tuple))
        and value
        and all(isinstance(one, Mapping) for one in value)
    )


def _turn(turns: Sequence[Mapping[str, Any]], roles: tuple[str, ...]) -> str | None:
    """The last turn by one of the roles. Reasoning kept apart from the content stands before it,
    in the tags that reasoning models write."""
    for turn in reversed(turns):
        if turn.get("role", turn.get("from")) in roles:
            content = text_of(turn.get("content", turn.get("value")))
            reasoning = text_of(turn.get("reasoning_content") or turn.get("thinking"))
            return with_reasoning(reasoning, content)
    return None


def with_reasoning(reasoning: str | None, content: str | None) -> str | None:
    """A response whose reasoning and answer were kept apart, as the model wrote it."""
    if reasoning is None or content is None:
        return content
    return f"<think>\n{reasoning.strip()}\n</think>\n\n{content}"


def text_of(value: Any) -> str | None:
    """The text of a cell; of a list of parts (`{type: text, text: ...}`), theirs joined.

    None where there is nothing but blanks.
    """
    if isinstance(value, (list, tuple)):
        value = "".join(str(one.get("text") or "") for one in value if isinstance(one, Mapping))
    if value is None or value is MISSING:
        return None
    text = str(value)
    return text if text.strip() else None
