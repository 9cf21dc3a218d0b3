"""Fit a message into the model's window: title and body as segments, long bodies cut inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tokenizers import Tokenizer

# A long title must not push the body out.
_TITLE_SHARE: Final = 4
_HEAD_PARTS, _PARTS = 2, 3
# Of a very long body only so many characters for each token of room are read at either end.
_CHARS_PER_TOKEN: Final = 8


@dataclass(frozen=True, slots=True)
class Window:
    """Token ids and segment ids of equal length, at most the window's."""

    ids: list[int]
    segments: list[int]
    truncated: bool


class Windower:
    """Builds windows of at most `max_length` tokens with a tokenizer of the BERT family."""

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        first, last = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
        if first is None or last is None:
            raise ValueError("the tokenizer lacks [CLS] or [SEP]")
        self._cls, self._sep = first, last
        self._tokenizer = tokenizer
        self.max_length = max_length

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def _body(self, text: str, room: int) -> tuple[list[int], bool]:
        """Head and tail of `text` in `room` tokens, without tokenising a long middle."""
        reach = room * _CHARS_PER_TOKEN
        if len(text) > 2 * reach:
            head, tail = self._tokens(text[:reach]), self._tokens(text[-reach:])
            cut = True
        else:
            head = tail = self._tokens(text)
            cut = len(head) > room
        if not cut:
            return head, False
        first = room * _HEAD_PARTS // _PARTS
        return head[:first] + tail[-(room - first) :], True

    def __call__(self, title: str | None, body: str) -> Window:
        """The window of a normalised title and body; `truncated` when tokens were left out."""
        ids, segments = [self._cls], [0]
        cut_title = False
        if title:
            tokens = self._tokens(title)
            room = self.max_length // _TITLE_SHARE
            cut_title = len(tokens) > room
            ids += [*tokens[:room], self._sep]
            segments += [0] * (len(ids) - 1)
        tokens, cut = self._body(body, self.max_length - len(ids) - 1)
        second = 1 if title else 0
        ids += [*tokens, self._sep]
        segments += [second] * (len(tokens) + 1)
        return Window(ids, segments, cut or cut_title)
