"""Text from elsewhere as a terminal may be given it: what it would obey is spelled out.

A trace, a file's name or an endpoint's answer can hold escape sequences that move the cursor, hide
lines, set the title or fill the clipboard, and marks that turn the order of writing round. All of
them are shown as `\\u001b`, which is also how JSON writes them, so JSON stays JSON.
"""

from __future__ import annotations

import logging
import re

from reason_w2s.redaction import redacted

_OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks and overrides of direction
    "\u2028\u2029\ufeff\ud800-\udfff]"  # ends of lines, a byte order mark, halves of characters
)
LONGEST_LINE = 4000
"""Characters of an error's line: what came may be a file's whole content."""


def visible(text: str) -> str:
    """The text with everything that a terminal would obey spelled out; lines and tabs stay."""
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def one_line(text: str) -> str:
    """The text on one line, without secrets, its middle left out where it is very long."""
    line = redacted(" ".join(text.split()))
    if len(line) > LONGEST_LINE:
        half = LONGEST_LINE // 2
        left_out = len(line) - 2 * half
        line = f"{line[:half]} ... ({left_out:,} characters) ... {line[-half:]}"
    return visible(line)


class VisibleFormatter(logging.Formatter):
    """A log's lines without secrets and without anything that a terminal would obey."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines; a traceback keeps its own."""
        return visible(redacted(super().format(record)))


def log_visibly(level: int, form: str) -> None:
    """Log to standard error from here on, in this form."""
    handler = logging.StreamHandler()
    handler.setFormatter(VisibleFormatter(form))
    logging.basicConfig(level=level, handlers=[handler])
