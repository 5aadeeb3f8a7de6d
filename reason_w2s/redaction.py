"""Secrets out of text: tokens of the environment, and those written into addresses.

`redacted` goes over all that is printed, logged or written of a run besides its records. It knows
the values of variables named like secrets (`OPENAI_API_KEY`, `HF_TOKEN`, ...), those it was told of
by `keep_secret`, and what an address holds before `@` or under `key=`, `token=` and the like.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

HIDDEN = "***"
SHORTEST = 8
"""Characters; a shorter value (EMPTY, none, 1) is no secret, and would be cut out of words."""

_NAME = re.compile(
    r"(?:^|_)(?:API_?KEY|ACCESS_?KEY|KEY|TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|PAT)"
    r"(?:_ID)?$",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(?<=://)[^\s/?#@'\"]+@")
_PARAMETER = re.compile(
    r"([?&;](?:[\w.-]*(?:key|token|secret|password|passwd|signature|credential)|sig|auth|code|pwd)"
    r"=)[^\s&;#'\"]+",
    re.IGNORECASE,
)
_told: set[str] = set()


def keep_secret(value: str) -> None:
    """From here on this value, where it is long enough to be a secret, is left out."""
    if len(value) >= SHORTEST:
        _told.add(value)


def keep_secrets(named: Mapping[str, str]) -> None:
    """The same of every value whose name is that of a secret, as in an environment."""
    for name, value in named.items():
        if _is_secret(name, value):
            keep_secret(value.strip())


def _is_secret(name: str, value: str) -> bool:
    # the place of a file with secrets is none
    return _NAME.search(name) is not None and not value.startswith(("/", "~"))


def redacted(text: str) -> str:
    """The text with every secret in it as `***`, those written into addresses too."""
    return _PARAMETER.sub(rf"\1{HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", without_known(text)))


def without_known(text: str) -> str:
    """The text with the values known to be secret as `***`; addresses in it stay as they are."""
    for secret in _secrets():
        text = text.replace(secret, HIDDEN)
    return text


def in_address(text: str) -> bool:
    """Whether an address in the text holds a login, or a parameter named like a secret."""
    return _LOGIN.search(text) is not None or _PARAMETER.search(text) is not None


def _secrets() -> list[str]:
    """The longest first: one may be the beginning of another."""
    named = {value.strip() for name, value in os.environ.items() if _is_secret(name, value)}
    return sorted({one for one in named if len(one) >= SHORTEST} | _told, key=len, reverse=True)
