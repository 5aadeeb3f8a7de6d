"""Whether two tokenizers number the same tokens alike, and a mark that says so across files."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def apart(one: PreTrainedTokenizerBase, other: PreTrainedTokenizerBase) -> int:
    """How many (token, number) pairs only one of the two has; 0: ids mean the same in both."""
    own, others = one.get_vocab(), other.get_vocab()
    return 0 if own == others else len(dict(own.items() ^ others.items()))


def fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """A mark of what its ids mean: 24 hexadecimal digits, the same however its files are saved."""
    text = json.dumps(sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1]))
    return hashlib.sha256(text.encode()).hexdigest()[:24]
