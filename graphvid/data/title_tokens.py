"""Conversion of titles into ids of word pieces by the tokenizer of a text encoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid._transformers import need_transformers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


class TokenBatch(NamedTuple):
    """Word pieces of some texts, padded to one length.

    Parameters
    ----------
    ids : ndarray of int32, shape (num_texts, num_tokens)
    mask : ndarray of bool, shape (num_texts, num_tokens)
        True for word pieces, which are the first places of a row. An empty text has [CLS] and [SEP].
    """

    ids: NDArray[np.int32]
    mask: NDArray[np.bool_]


class TitleTokenizer:
    """A tokenizer of `transformers` for titles; it raises if the vocabulary has none of the words.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        For example from ``AutoTokenizer``.
    max_tokens : int, default 32
        Largest number of word pieces of a text, including [CLS] and [SEP]; a longer text is cut. At least 2.

    Raises
    ------
    ValueError
        ``max_tokens`` below 2.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, *, max_tokens: int = 32) -> None:
        check_integer("max_tokens", max_tokens, 2)
        self.tokenizer, self.max_tokens = tokenizer, max_tokens

    @classmethod
    def open(cls, path: str | Path, *, max_tokens: int = 32) -> TitleTokenizer:
        """Load the tokenizer in a folder; nothing is downloaded.

        Raises
        ------
        FileNotFoundError
            There is no such folder.
        ImportError
            transformers is not installed.
        """
        need_transformers()
        from transformers import AutoTokenizer

        if not Path(path).is_dir():
            raise FileNotFoundError(f"{path} not found: expected a folder with a tokenizer of transformers")
        tokenizer = AutoTokenizer.from_pretrained(str(path), local_files_only=True)
        return cls(tokenizer, max_tokens=max_tokens)

    @classmethod
    def of_words(cls, texts: Sequence[str], *, max_words: int = 30_000, max_tokens: int = 32) -> TitleTokenizer:
        """Make a tokenizer whose word pieces are the most frequent words and all characters of some texts.

        For encoders without pretrained weights. Text becomes lower case, and a word that is not among the ``max_words`` is
        split into characters.

        Raises
        ------
        ImportError
            transformers is not installed.
        ValueError
            Texts without a word.
        """
        need_transformers()
        from transformers import BertTokenizer

        check_integer("max_words", max_words, 1)
        split = BertTokenizer(vocab={token: i for i, token in enumerate(_SPECIAL)}).backend_tokenizer
        counts: Counter[str] = Counter()
        for text in texts:
            words = split.pre_tokenizer.pre_tokenize_str(split.normalizer.normalize_str(text))
            counts.update(word for word, _ in words)
        if not counts:
            raise ValueError(f"texts must hold words to make a vocabulary of, got none in {len(texts)} texts")
        words = sorted(counts, key=lambda word: (-counts[word], word))[:max_words]
        letters = sorted({letter for word in counts for letter in word})
        pieces = dict.fromkeys([*_SPECIAL, *words, *letters, *(f"##{letter}" for letter in letters)])
        return cls(BertTokenizer(vocab={piece: i for i, piece in enumerate(pieces)}), max_tokens=max_tokens)

    @property
    def num_pieces(self) -> int:
        """Size of the vocabulary."""
        return len(self.tokenizer)

    def save(self, path: str | Path) -> None:
        """Write a folder for `open`."""
        self.tokenizer.save_pretrained(str(path))

    def __call__(self, texts: Sequence[str]) -> TokenBatch:
        """Turn texts into ids.

        Raises
        ------
        ValueError
            No text; a vocabulary that turns every word of all texts into [UNK].
        """
        if not len(texts):
            raise ValueError("texts must hold at least one text, got none")
        found = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens, padding="longest")
        ids = np.asarray(found["input_ids"], dtype=np.int32)
        mask = np.asarray(found["attention_mask"], dtype=np.bool_)
        words = mask & ~np.isin(ids, [self.tokenizer.cls_token_id, self.tokenizer.sep_token_id])
        if words.any() and (ids[words] == self.tokenizer.unk_token_id).all():
            raise ValueError(
                f"the tokenizer's vocabulary of {self.num_pieces} pieces turns all {words.sum()} words of {len(texts)} "
                "texts into [UNK]: it is not for these texts, or its file was not read"
            )
        return TokenBatch(ids, mask)
