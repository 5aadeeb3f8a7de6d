"""How an exported question and answer are written: as text, or as chat messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from reason_w2s.errors import ConfigError
from reason_w2s.prompts import Prompt, render, turns
from reason_w2s.records import Problem
from reason_w2s.train.config import Answer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Form = Literal["text", "messages"]
Said = str | list[dict[str, str]]
"""Text, or chat messages of `role` and `content`."""

BARE = Prompt(template="{question}")


@dataclass(frozen=True)
class Asking:
    """The prompt that questions are put into, and the form of both sides.

    prompt: None puts the bare question. tokenizer: whose chat template makes text of a chat prompt.
    """

    form: Form
    prompt: Prompt | None = None
    tokenizer: PreTrainedTokenizerBase | None = None

    def question(self, problem: Problem) -> Said:
        """What is asked.

        Raises:
            ConfigError: a chat prompt as text, without the tokenizer whose template it needs.
        """
        if self.form == "messages":
            return turns(self.prompt or BARE, problem.question)
        if self.prompt is None:
            return problem.question
        if self.prompt.chat and self.tokenizer is None:
            raise ConfigError(
                "this prompt asks in chat turns, and only a train step's model knows the template: "
                "export it --as messages, or the train step"
            )
        return self._once_begun(render(self.prompt, problem, self.tokenizer).text)

    def answer(self, answer: Answer) -> Said:
        """What is to be said. Messages have no place for a prefill: there it begins the answer."""
        if self.form == "messages":
            prefill = "" if self.prompt is None else self.prompt.prefill
            return [{"role": "assistant", "content": prefill + answer.text}]
        if answer.token_ids is not None or self.prompt is None:
            return answer.text
        return self.prompt.separator + answer.text

    def template_settings(self) -> dict[str, Any]:
        """What TRL passes to the chat template with messages, in a column of its own."""
        if self.form == "text" or self.prompt is None or not self.prompt.chat_template_kwargs:
            return {}
        return {"chat_template_kwargs": self.prompt.chat_template_kwargs}

    def _once_begun(self, text: str) -> str:
        """TRL's tokenizer call adds the first token; a chat template wrote it into the text."""
        assert self.prompt is not None
        begin = None if self.tokenizer is None else self.tokenizer.bos_token
        if not self.prompt.chat or begin is None or self.tokenizer is None:
            return text
        adds = self.tokenizer("")["input_ids"][:1] == [self.tokenizer.bos_token_id]
        return text.removeprefix(str(begin)) if adds else text
