"""What a trainer is about to learn, read back from its token ids and compared with the answers.

Whole runs were lost to rows that looked right: a chat template that drops the reasoning of
assistant turns, a length that cuts the boxed answer and the end token, loss on the prompt, thinking
marks that nothing opened. Each is an error here, before the first update, and none can be turned
off: a row that fails teaches something else than the recipe says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reason_w2s.engines import model_folder
from reason_w2s.errors import DataError
from reason_w2s.prompts import Prompt, render
from reason_w2s.records import Problem
from reason_w2s.train.config import Answer, Example, PairExample, ValueExample, VerdictExample
from reason_w2s.train.examples import IGNORED, end_id, lengths, prompt_ids

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    One = Example | PairExample | VerdictExample | ValueExample
    Data = Sequence[One]
    Rows = Sequence[dict[str, list[int]]]

SHOWN = 40
"""Characters of a text in a message; also how much of an answer is its head, and its tail."""
OPEN, CLOSE = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class _Learned:
    """One answer and the ids that stand for it. `wanted`: something to imitate, not to avoid."""

    problem: Problem
    answer: Answer
    ids: list[int]
    wanted: bool = True


def check_rows(
    rows: Rows,
    data: Data,
    prompt: Prompt,
    tokenizer: PreTrainedTokenizerBase,
    *,
    stops: frozenset[int],
) -> None:
    """Refuse rows that do not teach exactly the answers of `data`, asked with `prompt`.

    Every answer's text must stand whole, and alone, in the tokens with loss; one that ended must
    end in one of `stops` (see `stops_of`), one that was cut must not, and none may hold one before
    its end; prompts must be those of sampling, without loss; thinking marks must pair up with the
    prompt's.

    Raises:
        DataError: the first of these that fails, with how many answers, one of them, and what to
            do.
    """
    if len(rows) != len(data):
        raise DataError(f"{len(rows)} rows were made of {len(data)} examples; none may be lost")
    learned = [one for row, example in zip(rows, data, strict=True) for one in _of(row, example)]
    _check_texts(learned, prompt, tokenizer)
    _check_prompts(rows, data, prompt, tokenizer)
    _check_ends(learned, tokenizer, stops)
    _check_thoughts(learned, prompt, tokenizer)


def check_lengths(rows: Rows, max_length: int | None, positions: int | None) -> None:
    """Refuse rows that would be cut, by the recipe's limit or by the model's (both in tokens).

    Raises:
        DataError: some are longer; how many, how long the longest and its prompt, and what to set.
    """
    limits = [limit for limit in (max_length, positions) if limit is not None]
    sizes = lengths(rows)
    longer = [size for size in sizes if limits and size > min(limits)]
    if not longer:
        return
    longest = max(longer)
    asked = _prompt_size(rows[sizes.index(longest)])
    fits = positions is None or longest <= positions
    todo = f"set trainer.max_length to {longest}" if fits else f"the model takes {positions}"
    raise DataError(
        f"{len(longer)} of {len(rows)} examples are longer than {min(limits)} tokens, the longest "
        f"{longest}, {asked} of them its prompt; {todo}, ask with a shorter prompt, or {_SHORTER}"
    )


_SHORTER = (
    "select shorter responses (where: {n_tokens: {max: N}}; it counts no prompt, and of imported "
    "traces words)"
)


def _prompt_size(row: dict[str, list[int]]) -> int:
    """How many tokens of a row ask, and are not learned."""
    if "prompt_ids" in row:
        return len(row["prompt_ids"])
    learned = (at for at, label in enumerate(row["labels"]) if label != IGNORED)
    return next(learned, len(row["labels"]))


def stops_of(folder: Path, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """The ids at which the engines end a response: the tokenizer's, and the generation config's."""
    whole = model_folder.base_of(folder) if model_folder.is_adapter(folder) else folder
    path = whole / "generation_config.json"
    named = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
    listed = named if isinstance(named, list) else [named]
    return frozenset(one for one in (*listed, end_id(tokenizer)) if one is not None)


def _of(row: dict[str, list[int]], example: One) -> Iterator[_Learned]:
    if isinstance(example, PairExample):
        yield _Learned(example.problem, example.chosen, row["chosen_ids"])
        yield _Learned(example.problem, example.rejected, row["rejected_ids"], wanted=False)
        return
    if isinstance(example, ValueExample):
        yield _Learned(example.problem, example.answer, row["completion_ids"], wanted=False)
        return
    if isinstance(example, VerdictExample):
        learned = row["completion_ids"]
        yield _Learned(example.problem, example.answer, learned, wanted=example.wanted)
        return
    pairs = zip(row["input_ids"], row["labels"], strict=True)
    ids = [token for token, label in pairs if label != IGNORED]
    yield _Learned(example.problem, example.answer, ids)


def _check_texts(
    learned: Sequence[_Learned], prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> None:
    faults: dict[str, list[str]] = {}
    for one in learned:
        fault = _text_fault(one, prompt, tokenizer)
        if fault is not None:
            faults.setdefault(fault[0], []).append(fault[1])
    for kind, todo in _TEXT_FAULTS.items():
        _refuse(faults.get(kind, []), len(learned), kind, todo)


_TEXT_FAULTS = {
    "have loss on their prompt": "labels must be -100 on every token of the prompt",
    "lost their beginning": (
        "a chat template drops what stands before </think> in assistant turns; render the question "
        "alone and append the answer to it"
    ),
    "lost their end": "something cuts rows to a length; drop long answers (select by n_tokens)",
    "are not learned as they were written": "render the question alone and append the answer to it",
}


def _text_fault(
    one: _Learned, prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> tuple[str, str] | None:
    """(which of `_TEXT_FAULTS`, the example of it), None where the answer stands as it is.

    Blanks are not compared: tokenizers add and lose them at edges. What a tokenizer cannot spell is
    compared as it would spell it.
    """
    text, answer = _decoded(one.ids, tokenizer), one.answer.text
    found = _dense(text)
    if found in (_dense(answer), _dense(prompt.separator + answer)):
        return None
    spelt, separator = (
        _dense(_decoded(tokenizer(part, add_special_tokens=False)["input_ids"], tokenizer))
        for part in (answer, prompt.separator)
    )
    if found in (spelt, separator + spelt):
        return None
    asked = _dense(_decoded(prompt_ids(one.problem, prompt, tokenizer), tokenizer))
    head, tail = spelt[:SHOWN], spelt[-SHOWN:]
    before = found.partition(head)[0] if head in found else None
    name, shown = f"problem {one.problem.id}", _line(text[:SHOWN])
    if before and (before[-SHOWN:] in asked or asked[-SHOWN:] in before):
        return "have loss on their prompt", f"{name}: learned is '{shown}...'"
    if spelt.startswith(found) or (before is not None and tail not in found):
        return "lost their end", f"{name}: its '...{_line(answer[-SHOWN:])}' is not learned"
    if before is None:
        told = f"its '{_line(answer[:SHOWN])}...' is not learned, but '{shown}...'"
        return "lost their beginning", f"{name}: {told}"
    return "are not learned as they were written", f"{name}: learned is '{shown}...'"


def _check_prompts(
    rows: Rows, data: Data, prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> None:
    other, marked = [], []
    for row, example in zip(rows, data, strict=True):
        asked, name = prompt_ids(example.problem, prompt, tokenizer), example.problem.id
        ids = row.get("prompt_ids", row.get("input_ids", []))
        at = _first_difference(asked, ids, whole="prompt_ids" in row)
        if at is not None:
            here, there = (_line(str(tokenizer.decode(one[at : at + 8]))) for one in (ids, asked))
            other.append(f"problem {name}: '{here}' where sampling has '{there}'")
        elif "labels" in row and row["labels"] != [IGNORED] * len(asked) + ids[len(asked) :]:
            marked.append(f"problem {name}")
    todo = "make the prompt's ids by train.examples.prompt_ids, as sampling does"
    _refuse(other, len(rows), "are asked in other tokens than sampling asks with", todo)
    todo = "labels must be -100 on the prompt and the ids themselves after it"
    _refuse(marked, len(rows), "have loss on tokens of the prompt, or none on some answer's", todo)


def _first_difference(asked: list[int], ids: list[int], *, whole: bool) -> int | None:
    """Where a row's ids leave the prompt's, None where they hold it (and, if `whole`, no more)."""
    pairs = zip(asked, ids, strict=False)
    found = next((at for at, (one, other) in enumerate(pairs) if one != other), None)
    if found is None and (len(ids) < len(asked) or (whole and len(ids) > len(asked))):
        return min(len(ids), len(asked))
    return found


def _check_ends(
    learned: Sequence[_Learned], tokenizer: PreTrainedTokenizerBase, stops: frozenset[int]
) -> None:
    without, wrong, inside = [], [], []
    for one in learned:
        name = f"problem {one.problem.id}"
        last = one.ids[-1] if one.ids else None
        if one.answer.ends and last not in stops:
            shown = "nothing" if last is None else repr(tokenizer.decode([last]))
            without.append(f"{name}: the last learned token is {shown}")
        elif not one.answer.ends and last in stops:
            wrong.append(name)
        if stops.intersection(one.ids[:-1]):
            inside.append(name)
    ends = ", ".join(repr(tokenizer.decode([stop])) for stop in sorted(stops)) or "none"
    todo = f"the student would not stop; the tokens at which engines stop it are {ends}"
    _refuse(without, len(learned), "ended by themselves but learn no end token", todo)
    todo = "the student would learn to stop in mid-sentence; leave the end token out of their ids"
    _refuse(wrong, len(learned), "were cut but learn an end token", todo)
    todo = f"no engine gets past it; take {ends} out of their texts"
    _refuse(inside, len(learned), "hold an end token before their end", todo)


def _check_thoughts(
    learned: Sequence[_Learned], prompt: Prompt, tokenizer: PreTrainedTokenizerBase
) -> None:
    faults: dict[str, list[str]] = {}
    wanted = [one for one in learned if one.wanted]
    for one in wanted:
        fault = _thought_fault(one, render(prompt, one.problem, tokenizer).text)
        if fault is not None:
            faults.setdefault(fault, []).append(f"problem {one.problem.id}")
    for kind, todo in _THOUGHT_FAULTS.items():
        _refuse(faults.get(kind, []), len(wanted), kind, todo)


_SELECT, _STEP = "select where: {STEP.think:", "STEP being a stepcheck step's name"
_THOUGHT_FAULTS = {
    f"hold {CLOSE} without a {OPEN}, and the prompt opens none": (
        f"ask the student with a prompt that ends in {OPEN} (prefill) as the teacher was asked, or "
        f"drop them ({_SELECT} {{not: unopened}}}}, {_STEP})"
    ),
    f"open a {OPEN}, and the prompt has opened one": (
        "ask the student with a prompt that opens none, or keep only answers that close what the "
        f"prompt opened ({_SELECT} unopened}}, {_STEP})"
    ),
    f"never close the {OPEN} that the prompt opens": (
        "ask the student with a prompt that opens none, or keep only answers that close what the "
        f"prompt opened ({_SELECT} unopened}}, {_STEP})"
    ),
}


def _thought_fault(one: _Learned, asked: str) -> str | None:
    """Which of `_THOUGHT_FAULTS` an answer to this prompt has."""
    text = one.answer.text
    first, end = text.find(OPEN), text.find(CLOSE)
    opens = first >= 0 and (end < 0 or first < end)
    unopened, second, unclosed = _THOUGHT_FAULTS
    if asked.rfind(OPEN) <= asked.rfind(CLOSE):
        return unopened if end >= 0 and not opens else None
    if opens:
        return second
    # one that was cut may have been cut in its thought
    return unclosed if end < 0 and one.answer.ends else None


def _refuse(found: Sequence[str], size: int, what: str, todo: str) -> None:
    if found:
        raise DataError(f"{len(found)} of {size} answers {what} ({found[0]}); {todo}")


def _decoded(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> str:
    return str(tokenizer.decode(list(ids), skip_special_tokens=True))


def _dense(text: str) -> str:
    """The text without its blanks."""
    return "".join(text.split())


def _line(text: str) -> str:
    """The text in one line."""
    return " ".join(text.split())
