"""Texts cut into steps: nothing lost, nothing cut where a reader would not."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reason_w2s.answers.steps import By, holding, pieces, split

from .shared_data import rows

WAYS = get_args(By)
FRAGMENTS = (
    *("Step 1:", "step 2", "1. ", "2) ", "**Step 3:**", "Mr. ", "e.g. ", "3.50", "$3.50. ", "5! "),
    *(
        "\\[",
        "\\]",
        "$$",
        "\\begin{align}",
        "\\end{align}",
        "```",
        "\\(",
        "\\)",
        "<<1+1=2>>",
        "####",
    ),
    *("\n", "\n\n", "\r\n", "  ", "\t", ". ", "... ", "? ", "。", ", ", "; ", " = ", "and ", "so "),
    *("</think>", "<think>", "Then", "she", "x", "12", "- ", "\u2028", "\x00", "\ud800"),
)


@given(
    st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join)),
    st.sampled_from(WAYS),
)
def test_nothing_is_lost(text, by):
    steps = split(text, by)
    assert "".join(pieces(text, by)) == text
    assert all(start < end for start, end in steps)
    assert [one.start for one in steps[1:]] == [one.end for one in steps[:-1]]
    if text.strip():
        assert not any(piece.isspace() for piece in pieces(text, by))
    for position in range(len(text)):
        one = steps[holding(steps, position)]
        assert one.start <= position < one.end


@pytest.mark.parametrize("by", WAYS)
def test_empty_and_blank(by):
    assert split("", by) == []
    assert split(" \n\t\n ", by) == [(0, 5)]


SENTENCES = [
    ["He pays $3.50. ", "Then he has 0.5 left."],
    ["Mr. Lee, Mrs. Lee and Dr. St. John pay 3.25 vs. 4. ", "Then they go."],
    ["At 8 a.m. she wakes, e.g. on Monday, i.e. early. ", "At 3 p.m. she eats."],
    ["It closes at 3 p.m. ", "Then they leave."],
    ["It weighs 5 lbs. and 3 oz. in all. ", "It is 12 in. wide."],
    ["No. 5 is next. ", "Is it? ", "No. ", "It is not."],
    ["1. She has 3 eggs. ", "Then 4.\n", "2. He has 5.\n", "a. He goes."],
    ["Find 5! = 120 and 5! - 1. ", "Stop! ", "Go."],
    ["The sum 1 + 2 + ... + 9 is 45. ", "And so on... ", "Then stop."],
    ["She said \"I have 5.\" ", "Then (he has 6.) ", "So 7."],
    ["So $x = 5.$ ", "Then \\(y = 6.\\) ", "So **7.** ", "Done."],
    ["It is 20. ", "so he has 5."],
    ["所以他有5个。", "然后他有6个！", "Tom有7个."],  # noqa: RUF001
    ["We add 5\nand 3 to it.\n", "So 8\n", "x = 8\n", "#### 8"],
    ["We get\n\\[\n3 + 4. 5 = 7. \\]\n", "Then 8."],
    ["We get:\n\n$$3. Then 4$$ and more. ", "Then 8."],
    ["We get \\[ x = 7. \\] ", "Then 8."],
    ["Thus\n\\begin{align}\na &= 5. \\\\\nB &= 6.\n\\end{align}\n", "So 6."],
    ["It is 7.\n", "\\[ 3 + 4 = 7 \\]\n", "Good."],
    ["It is \\[ not closed. ", "Then 8."],
    ["A line break \\\\[2pt] is no block. ", "Then 8. \\] ", "So 9."],
]  # fmt: skip


@pytest.mark.parametrize("cut", SENTENCES, ids=lambda cut: cut[0][:30])
def test_sentences(cut):
    assert pieces("".join(cut), "sentences") == cut


LINES = [
    ["5 + 3 = 8\n\n", " 8 - 2 = 6\n\t\n", "#### 6\n\n"],
    ["\n\n5 + 3 = 8\r\n", "8 - 2 = 6"],
    ["So:\n", "\\[\n5 + 3 = 8\n\n= 8\n\\]\n", "Done."],
    ["Code:\n", "```python\na = 1\nprint(a)\n```\n", "Done."],
    ["Not closed: \\[\n", "5 + 3 = 8\n", "$$ a\n", "b"],
]


@pytest.mark.parametrize("cut", LINES)
def test_lines(cut):
    assert pieces("".join(cut), "lines") == cut


MARKS = [
    ["Let us think.\n", "Step 1: a.\n b\n", "**Step 2:** c\n\n", "### step 3\nd"],
    ["Step 1: a. ", "Step 2: b, from Step 1: c, as in Step 9. ", "Step 3: d"],
    ["Step 1: a\n", "Step 2: b\n", "Step 1: again\n", "Step 7: on"],
    ["So:\n", "1. a\n   1. in it\n   2. in it\n", "2. b\n3.5 is c\n", "3) d"],
    ["Plan\n\n", "1. a\n", "2. b\n\n", "Now do it\n\n", "1. c\n   d\n\n   e\n", "2. f"],
    ["1. only one. 2. not at a line's start"],
    ["2. no list\n3. begins at two"],
    ["steps 1 to 3 are in Step 2 of it"],
]


@pytest.mark.parametrize("cut", MARKS)
def test_marks(cut):
    assert pieces("".join(cut), "marks") == cut


EQUATIONS = [
    ["5 + 3 = 8 ; ", "8 - 2 = 6 ; ", "#### 6"],
    ["She pays 3 * 4 = <<3*4=12>>12 dollars, ", "then 12 + 5 = 17 dollars. Good."],
    ["2*16+2*8 = 32+16 = 48. ", "48 / 2 = 24."],
    ["5 + 3 = 8\n", "8 - 2 = 6"],
    ["For (x, y) = (3, 4) we have x = 3 ", "and y = 4"],
    ["1,200 * 2 = 2,400, ", "2,400 + 1 = 2,401"],
    ["no equation, none at all. #"],
]


@pytest.mark.parametrize("cut", EQUATIONS)
def test_equations(cut):
    assert pieces("".join(cut), "equations") == cut


AUTO = {
    "5 + 3 = 8 ; 8 - 2 = 6 ; #### 6": "equations",
    "We add 5 and 3. That is 8.\n8 - 2 = 6\n#### 6": "lines",
    "A is 5. B is 6. C is 7. D is 8. E is 9. F is 10.\n#### 10": "sentences",
    "He has 5 + 3 = 8. Then 8 - 2 = 6.": "sentences",
    "Step 1: a. b\nc\nStep 2: d. e\nf": "marks",
    "1. She has: a\n- b\n2. Then c\n- d": "marks",
    "Do:\n1. a\n2. b\n\nFirst I take the one of them.\nThen I take another one.\nSo 5.": "lines",
    "Only Step 1 is\nnamed here": "lines",
    "a": "lines",
}


@pytest.mark.parametrize(("text", "by"), AUTO.items())
def test_auto_takes_what_the_text_uses(text, by):
    assert split(text) == split(text, by)


def test_auto_looks_at_the_thinking_and_the_rest_by_themselves():
    text = "<think>He has 5. Then 6.</think>\n1. He has 5.\n2. Then 6."
    cut = ["<think>He has 5. ", "Then 6.</think>\n", "1. He has 5.\n", "2. Then 6."]
    assert pieces(text) == cut


HOSTILE = [
    *(
        "\n\\[" * 65_000,
        "\\begin{a}" * 20_000,
        ". " * 100_000,
        ". \n" * 65_000,
        "1. a\n" * 40_000,
    ),
    *("(" * 200_000, " " * 200_000 + "a", "." * 200_000, "a = 1, " * 25_000, "$$\n" * 65_000),
    *("Step 1" * 30_000, "\n" * 200_000, "a\n\n" + " \n" * 100_000 + "b", "```\n\n" * 40_000),
]


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_ends(text, by):
    """What took time in the square of its length would not end here."""
    assert "".join(pieces(text, by)) == text


def test_real_traces_are_whole():
    for row in rows("traces/mr_gsm8k_annotated_subset.jsonl.gz"):
        text = row["response"]
        assert all("".join(pieces(text, by)) == text for by in WAYS)
        assert [piece.strip() for piece in pieces(text)] == [one.strip() for one in row["steps"]]
