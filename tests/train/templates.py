"""The chat templates that TRL ships, and real byte-level tokenizers that render them."""

from __future__ import annotations

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

TEXTS = (
    "<think>Okay, so Tom has 3 apples and finds 4 more. 3 + 4 = 7.</think>",
    "Solve the problem. The answer is \\boxed{7}. Wait, let me check: 7 - 4 = 3.",
)
# what the templates call turns: one token each, as in the models they come from
MARKS = re.compile(r"<[|\uff5c][^|\uff5c<>]{1,30}[|\uff5c]>|<(?:start|end)_of_turn>|<\|[A-Z_]+\|>")
END = "<|im_end|>"


def folder() -> Path:
    """Where TRL keeps them; TRL itself is not imported."""
    found = find_spec("trl")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "chat_templates"


def names() -> list[str]:
    """All templates, `*_training` ones included."""
    return sorted(path.stem for path in folder().glob("*.jinja")) if find_spec("trl") else []


@cache
def tokenizer(name: str, end: str = END):
    """A byte-level BPE tokenizer with one of the templates and the end token `end`."""
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import Qwen2Tokenizer

    made = Qwen2Tokenizer().train_new_from_iterator(
        TEXTS, 400, initial_alphabet=ByteLevel.alphabet(), show_progress=False
    )
    template = (folder() / f"{name}.jinja").read_text(encoding="utf-8")
    marks = sorted({END, "<|endoftext|>", "<bos>", end, *MARKS.findall(template)})
    made.add_special_tokens({"additional_special_tokens": marks})
    made.bos_token, made.eos_token, made.pad_token = "<bos>", end, "<|endoftext|>"
    made.chat_template = template
    return made
