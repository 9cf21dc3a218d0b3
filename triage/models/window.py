"""Fit a message into the model's window: title and body as segments, long bodies cut inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from tokenizers import Tokenizer

from triage.types import FieldName

T = TypeVar("T")

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


class Token(NamedTuple):
    """A token's id, and where it begins in the normalised text of its field."""

    id: int
    field: FieldName
    start: int


class Windower:
    """Builds windows of at most `max_length` tokens with a tokenizer of the BERT family."""

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        first, last = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
        if first is None or last is None:
            raise ValueError("the tokenizer lacks [CLS] or [SEP]")
        self._cls, self._sep = first, last
        self.mask_token: int | None = tokenizer.token_to_id("[MASK]")
        self._tokenizer = tokenizer
        self.max_length = max_length

    def _ids(self, text: str, _start: int = 0) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def _placed(self, field: FieldName, text: str, start: int) -> list[Token]:
        found = self._tokenizer.encode(text, add_special_tokens=False)
        return [
            Token(token, field, start + at[0])
            for token, at in zip(found.ids, found.offsets, strict=True)
        ]

    def _body(
        self, text: str, room: int, read: Callable[[str, int], list[T]]
    ) -> tuple[list[T], bool]:
        """Head and tail of `text` in `room` tokens, without tokenising a long middle.

        `read` makes the tokens of a piece of the text that begins at the offset given.
        """
        reach = room * _CHARS_PER_TOKEN
        if len(text) > 2 * reach:
            head, tail = read(text[:reach], 0), read(text[-reach:], len(text) - reach)
            cut = True
        else:
            head = tail = read(text, 0)
            cut = len(head) > room
        if not cut:
            return head, False
        first = room * _HEAD_PARTS // _PARTS
        return head[:first] + tail[-(room - first) :], True

    def __call__(self, title: str | None, body: str) -> Window:
        """The window of a normalised title and body; `truncated` when tokens were left out."""
        first = self._ids(title) if title else None
        kept, room = self._room(first)
        tokens, cut = self._body(body, room, self._ids)
        return self._join(kept, tokens, cut or kept != first)

    def _room(self, title: list[T] | None) -> tuple[list[T] | None, int]:
        """What of the title's tokens fits, and how many tokens of the body then do."""
        if title is None:
            return None, self.max_length - 2
        kept = title[: self.max_length // _TITLE_SHARE]
        return kept, self.max_length - len(kept) - 3

    def _join(self, title: list[int] | None, body: list[int], truncated: bool) -> Window:
        if title is None:
            ids = [self._cls, *body, self._sep]
            return Window(ids, [0] * len(ids), truncated)
        ids = [self._cls, *title, self._sep, *body, self._sep]
        return Window(ids, [0] * (len(title) + 2) + [1] * (len(body) + 1), truncated)

    def tokens(self, title: str | None, body: str) -> list[Token]:
        """The tokens of title and body, in order, that the window of the two holds."""
        first = self._placed("title", title, 0) if title else None
        kept, room = self._room(first)
        tokens, _ = self._body(body, room, lambda text, at: self._placed("text", text, at))
        return [*(kept or ()), *tokens]

    def of_tokens(self, tokens: Sequence[Token]) -> Window:
        """The window of some of the tokens of a message.

        Where title or body lost all its tokens, the other stands alone as in a message without
        title, a form that the model knows.
        """
        title = [token.id for token in tokens if token.field == "title"]
        body = [token.id for token in tokens if token.field == "text"]
        if not title or not body:
            return self._join(None, title or body, False)
        return self._join(title, body, False)
