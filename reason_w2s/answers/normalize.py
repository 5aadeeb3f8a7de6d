r"""One spelling for answers that mean the same to a reader: unicode, LaTeX spacing, wrappers.

Nothing here decides equality. A set's braces become `⦃` and `⦄`, because bare braces only group in
LaTeX.
"""

# ruff: noqa: RUF001 - look-alike characters are what this file is about.

from __future__ import annotations

import re
import unicodedata

from reason_w2s.answers.verdict import MAX_ANSWER_CHARS

SET_OPEN, SET_CLOSE, NEW_ROW = "⦃", "⦄", "⏎"

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ", "0123456789+-ni")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱ]+")
_LOWERED = re.compile("[₀₁₂₃₄₅₆₇₈₉]+")
_VULGAR = {"½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5)} | {
    "⅖": (2, 5), "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8),
    "⅝": (5, 8), "⅞": (7, 8),
}  # fmt: skip
_UNICODE = str.maketrans(
    {
        **{char: f"\\frac{{{top}}}{{{bottom}}}" for char, (top, bottom) in _VULGAR.items()},
        **dict.fromkeys("−–‐‑﹣－", "-"),
        **dict.fromkeys("×✕", "\\times "),
        **dict.fromkeys("·⋅∙", "\\cdot "),
        "÷": "\\div ",
        "π": "\\pi ",
        "θ": "\\theta ",
        "∠": "\\angle ",
        "∞": "\\infty ",
        "√": "\\sqrt ",
        "∛": "\\sqrt[3]",
        "∜": "\\sqrt[4]",
        "≈": "\\approx ",
        "≡": "\\equiv ",
        "∅": "\\emptyset ",
        "∖": "\\setminus ",
        "α": "\\alpha ",
        "β": "\\beta ",
        "γ": "\\gamma ",
        "λ": "\\lambda ",
        "φ": "\\phi ",
        "∪": "\\cup ",
        "∈": "\\in ",
        "≤": "\\le ",
        "≥": "\\ge ",
        "≠": "\\ne ",
        "±": "\\pm ",
        "ℝ": "\\mathbb{R}",
        "，": ",",
        "…": "...",
        "⁄": "/",
    }
)
_COMMANDS = {
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "dbinom": "binom", "tbinom": "binom",
    "sqrtsign": "sqrt", "arctg": "arctan", "smallsetminus": "setminus", "backslash": "setminus",
    "lbrace": "{", "rbrace": "}",
    "leq": "le", "leqslant": "le", "geq": "ge", "geqslant": "ge", "neq": "ne",
    "lt": "<", "gt": ">", "degree": "°", "bar": "overline", "dots": "...", "ldots": "...",
    "cdots": "...", "lvert": "|", "rvert": "|", "ast": "*", "colon": ":", "vert": "|",
}  # fmt: skip
_SPACING = re.compile(
    r"\\(?:left|right|bigl?|bigr|Bigl?|Bigr|displaystyle|textstyle|limits)(?![a-zA-Z])\.?"
)
_GAPS = re.compile(
    r"\\(?:quad|qquad|enspace|space)(?![a-zA-Z])|\\[,;: ]|&nbsp;|\\(?:phantom|color)\s?\{[^{}]*\}"
)
_ORDINAL = re.compile(r"\^\s?\{?\s?\\[a-z]{2,8}\s?\{\s?(st|nd|rd|th)\s?\}\}?(?![a-z])")
_COLOUR = re.compile(r"\\textcolor\s?\{[^{}]*\}")
_TEXT = re.compile(
    r"\\(?:text|mbox|textbf|textit|textrm|textnormal|mathrm|mathbf|mathit|rm|bf|operatorname|hbox"
    r"|underline|cancel|boldsymbol|bm|emph|ensuremath|mathsf|textsf|texttt|fbox)\s?\{([^{}]*)\}"
)
_RENAMED = re.compile(r"\\(" + "|".join(_COMMANDS) + r")(?![a-zA-Z])")
_OVER = re.compile(r"\{([^{}]*)\\over(?![a-zA-Z])([^{}]*)\}")
_BARE_CHOOSE = re.compile(r"^(\w{1,9})\s?\\choose\s?(\w{1,9})$")
_CHOOSE = re.compile(r"\{([^{}]*)\\choose(?![a-zA-Z])([^{}]*)\}")
_CIRCLE = re.compile(r"\^\s?(?:\{\s?\\circ\s?\}|\\circ(?![a-zA-Z]))")
_TAKES = re.compile(r"\\(frac|binom|sqrt)(?![a-zA-Z])|[\^_]")
# Dots stand over the first and the last digit that repeat.
_DOTTED = re.compile(r"\.(\d{0,20})\\dot\s?\{?(\d)\}?(?:(\d{0,20})\\dot\s?\{?(\d)\}?)?(?![\d\\])")
_BRACKETED = re.compile(r"(?<=\.)(\d{0,20})\((\d{1,20})\)$")
_BY_TEN = re.compile(r"(?<=\d)\s?[xX]\s?(?=10\s?\^)")
_ENDLESS = re.compile(r"(?<![\d.])(\d{0,20}\.\d{0,20}?)(\d)\2{2,}\s?\.\.\.")
_BOLD = re.compile(r"(?:(?<=[=:(\s])|^)\*\*(?=\S)|(?<=\S)\*\*(?=[\s.,;)]|$)")
_INCHES = re.compile(r'(?<=\d)"(?![\w"])')
_NARROW = re.compile(r",\\!\s?")
_SPACES = re.compile(r"\s+")
_COMMAND_END = re.compile(r"(\\[a-zA-Z]+) (?![a-zA-Z])")
_LOOSE_SPACE = re.compile(r"(?<!\d) | (?!\d)")
_ENDS = (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`"),
    ('"', '"'))  # fmt: skip


def normalize(text: str) -> str:
    """`text` in the one spelling everything else reads; a longer text than the cap is only trimmed.

    Idempotent on what it returns, except that it may peel one more wrapper.
    """
    if len(text) > MAX_ANSWER_CHARS:
        return text.strip()
    text = text if text.isascii() else _ascii(text)
    text = peel(text).replace("~", " ")
    if "**" in text:
        text = _BOLD.sub("", text).replace("**", "^")
    if '"' in text:
        text = _INCHES.sub(" inches", text)
    if "=" in text:
        for written, command in (("<=", "\\le "), (">=", "\\ge "), ("!=", "\\ne ")):
            text = text.replace(written, command)
    if "\\" in text or "{" in text:
        text = peel(_latex(text))
    if "^" in text:
        text = _BY_TEN.sub("\\\\times ", text)
    if text.endswith(")") and "." in text:
        text = _BRACKETED.sub(r"\1\\overline{\2}", text)
    if "^" in text or "_" in text or "\\" in text:
        text = _brace_arguments(text)
    if "$" in text and text.count("$") % 2 == 0:
        text = text.replace("$", "")
    if "..." in text:
        text = _ENDLESS.sub(r"\1\\overline{\2}", text)
    return _SPACES.sub(" ", text).strip()


def key(normal: str) -> str:
    """What two normalised texts have in common when they differ in spacing only."""
    return _LOOSE_SPACE.sub("", _COMMAND_END.sub(r"\1", normal))


def peel(text: str) -> str:
    """`text` without the wrappers and the punctuation around an answer."""
    before = None
    while before != text:
        before = text
        text = text.strip().rstrip(";,\\ \n").strip()
        if text.endswith(".") and not text.endswith("..."):
            text = text[:-1]
        for left, right in _ENDS:
            inner = text[len(left) : -len(right)]
            if text.startswith(left) and text.endswith(right) and inner and left not in inner:
                text = inner
        if text.count("$") % 2 and text.startswith("$\\"):
            text = text[1:]
        if text.startswith("\\boxed{") and close(text, 6) == len(text) - 1:
            text = text[7:-1]
    return text


def close(text: str, start: int) -> int:
    r"""Index of the brace that closes the one at `start`, or -1. `\{` and `\}` do not count."""
    depth, index = 0, start
    while index < len(text):
        char = text[index]
        if char == "\\":
            index += 1
        elif char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    return -1


def _ascii(text: str) -> str:
    text = _RAISED.sub(lambda match: f"^{{{match[0].translate(_SUPERSCRIPTS)}}}", text)
    text = _LOWERED.sub(lambda match: f"_{{{match[0].translate(_SUBSCRIPTS)}}}", text)
    text = unicodedata.normalize("NFKC", text.translate(_UNICODE))
    return "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() and not char.isascii() else char
        for char in text
    )


def _latex(text: str) -> str:
    if "\\begin" in text:
        text = text.replace("\\\\", NEW_ROW)
    else:
        text = re.sub(r"\\\\(?=[a-zA-Z])", r"\\", text)
    text = _NARROW.sub(",", text.replace("{,}", ",")).replace("\\!", "")
    text = text.replace("\\{", SET_OPEN).replace("\\}", SET_CLOSE)
    text = _SPACING.sub("", text)
    text = _GAPS.sub(" ", text)
    text = _RENAMED.sub(_rename, text)
    text = _COLOUR.sub("", text).replace("{}", "")
    if "^" in text:
        text = _ORDINAL.sub(r"\1", text)
    for _ in range(3):
        text = _TEXT.sub(r" \1 ", text)
    text = _OVER.sub(r"\\frac{\1}{\2}", text)
    text = _CHOOSE.sub(r"\\binom{\1}{\2}", _BARE_CHOOSE.sub(r"\\binom{\1}{\2}", text))
    text = _CIRCLE.sub("°", text)
    if "\\dot" in text:
        text = _DOTTED.sub(r".\1\\overline{\2\3\4}", text)
    return text.replace("\\%", "%").replace("\\$", "$").replace("\\&", "&").replace("\\#", "#")


def _rename(match: re.Match[str]) -> str:
    name = _COMMANDS[match[1]]
    if name in "{}":
        return SET_OPEN if name == "{" else SET_CLOSE
    return "\\" + name if name.isalpha() else name


def _brace_arguments(text: str) -> str:
    r"""`\frac12` as `\frac{1}{2}`, `\sqrt2` as `\sqrt{2}`, `x^2` as `x^{2}`."""
    insert: dict[int, str] = {}
    for match in _TAKES.finditer(text):
        position = match.end()
        for _ in range(2 if match[1] in ("frac", "binom") else 1):
            position = _brace_one(text, position, insert, match[1] is None)
            if position < 0:
                break
    if not insert:
        return text
    return "".join(insert.get(index, "") + char for index, char in enumerate(text)) + insert.get(
        len(text), ""
    )


def _brace_one(text: str, position: int, insert: dict[int, str], script: bool) -> int:
    """Note where one argument needs braces; the position behind it, or -1 where there is none.

    A `script` takes every digit that follows: `2^10` is written by people, not by LaTeX.
    """
    while position < len(text) and text[position] == " ":
        position += 1
    if position >= len(text):
        return -1
    if text[position] == "{":
        return close(text, position) + 1 or -1
    if not (text[position].isalnum() or text[position] == "\\"):
        return -1
    end = position + 1
    if text[position].isdigit() and script:
        while end < len(text) and text[end].isdigit():
            end += 1
    if text[position] == "\\":
        while end < len(text) and text[end].isalpha():
            end += 1
    insert[position] = insert.get(position, "") + "{"
    insert[end] = "}" + insert.get(end, "")
    return end
