"""From text to token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import tokenizers  # type: ignore[import-untyped]


class TokenizerError(Exception):
    """A tokenizer file cannot be used. The message is one sentence."""


@dataclass(frozen=True)
class Tokenizer:
    """Splits texts into the word pieces all networks were trained on."""

    _pieces: tokenizers.Tokenizer

    @classmethod
    def load(cls, path: Path, max_tokens: int) -> Self:
        """Return the tokenizer in ``path``, cutting texts to ``max_tokens`` with special tokens."""
        try:
            pieces = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception for every fault
            raise TokenizerError(f"{path} is missing or is no tokenizer file") from error
        pieces.enable_truncation(max_length=max_tokens)
        pieces.no_padding()
        return cls(pieces)

    @property
    def pieces(self) -> int:
        """How many word pieces there are; ids are below it."""
        return int(self._pieces.get_vocab_size())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text, special tokens included, unpadded."""
        try:
            encodings = self._pieces.encode_batch_fast(list(texts))
        except (TypeError, UnicodeEncodeError):
            # Half a surrogate pair has no UTF-8 form; the rest of the text is still worth reading.
            readable = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
            encodings = self._pieces.encode_batch_fast(readable)
        return [encoding.ids for encoding in encodings]
