"""Vectors of the context of a mention from a frozen BERT: the state of [MASK] in its place, or the mean of the words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from graphvid.nn._shapes import check_width

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ContextPool = Literal["mask", "mean"]


class StateEncoder(Protocol):
    """A text encoder that gives a state for every word piece, such as `TextEncoder`."""

    def __call__(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return states, (num_texts, num_pieces, dim), and one vector for each text."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return the weights."""
        ...


class ContextEmbedding:
    """Embed contexts: the text before and after a mention, without the mention itself.

    The words before and after are cut to ``max_pieces`` word pieces centred on the mention; if one side is short, the other
    gets more. With ``pool="mask"`` one [MASK] replaces the mention, and its state is the vector. With ``pool="mean"`` the
    vector is the mean state of the context's word pieces. Vectors have unit length.

    Parameters
    ----------
    encoder : TextEncoder or another StateEncoder
        Encoder; it stays frozen, and is in evaluation mode during use.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the encoder, of `transformers`, with [CLS], [SEP] and, for ``"mask"``, [MASK].
    pool : {"mask", "mean"}, default "mask"
        ``"mask"`` for models trained as masked language models; ``"mean"`` for models tuned on sentences, such as all-MiniLM,
        which no longer predict masked words.
    max_pieces : int, default 128
        Word pieces of a context, [CLS], [SEP] and [MASK] included.
    batch_size : int, default 64

    Raises
    ------
    ValueError
        An unknown pool, sizes below 1 (``max_pieces`` below 4), or a tokenizer without the pieces needed.

    Notes
    -----
    An empty context has only [CLS] and [SEP] (and [MASK]): with ``"mean"`` its vector is that of [CLS] and [SEP].
    Contexts are batched by length, and each has its own mask, so the batches change only rounding.

    References
    ----------
    Chen et al., "Improving Entity Linking by Modeling Latent Entity Type Information", AAAI 2020, section 3.
    """

    def __init__(
        self,
        encoder: StateEncoder,
        tokenizer: PreTrainedTokenizerBase,
        *,
        pool: ContextPool = "mask",
        max_pieces: int = 128,
        batch_size: int = 64,
    ) -> None:
        if pool not in get_args(ContextPool):
            raise ValueError(f"pool must be one of {list(get_args(ContextPool))}, got {pool!r}")
        if check_width("max_pieces", max_pieces) < 4:
            raise ValueError(f"max_pieces must be at least 4, got {max_pieces}")
        needed = ["cls_token_id", "sep_token_id", *(["mask_token_id"] if pool == "mask" else [])]
        absent = [name for name in needed if getattr(tokenizer, name) is None]
        if absent:
            raise ValueError(f"tokenizer must have {needed}, got none for {absent}")
        self.encoder, self.tokenizer, self.pool = encoder, tokenizer, pool
        self.max_pieces, self.batch_size = max_pieces, check_width("batch_size", batch_size)

    def fingerprint(self) -> str:
        """Return a checksum of the encoder's weights, the vocabulary and the options: equal for equal vectors."""
        digest = hashlib.sha256(f"{self.pool} {self.max_pieces}".encode())
        for piece, number in sorted(self.tokenizer.get_vocab().items()):
            digest.update(f"{piece}\t{number}\n".encode())
        for name, weight in sorted(self.encoder.state_dict().items()):
            digest.update(name.encode())
            digest.update(weight.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()[:16]

    @torch.no_grad()
    def __call__(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of contexts.

        Parameters
        ----------
        left, right : sequence of str, shape (num_contexts,)
            Text before and after.

        Returns
        -------
        ndarray of float32, shape (num_contexts, dim)

        Raises
        ------
        ValueError
            Lengths that differ.
        """
        if len(left) != len(right):
            raise ValueError(f"left and right must have equal lengths, got {len(left)} and {len(right)}")
        cut = [self._cut(before, after) for before, after in zip(left, right, strict=True)]
        order = sorted(range(len(cut)), key=lambda i: len(cut[i][0]))
        vectors: list[NDArray[np.float32]] = []
        training = _set_training(self.encoder, False)
        for start in range(0, len(order), self.batch_size):
            vectors.append(self._embed([cut[i] for i in order[start : start + self.batch_size]]))
        _set_training(self.encoder, training)
        if not vectors:
            return np.zeros((0, 0), dtype=np.float32)
        found = np.concatenate(vectors)
        back = np.empty_like(found)
        back[order] = found
        return back

    def _cut(self, left: str, right: str) -> tuple[list[int], int]:
        """Return the word pieces of a context and the place of its [MASK], or 0."""
        before, after = (self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in (left, right))
        room = self.max_pieces - (3 if self.pool == "mask" else 2)
        of_left = min(len(before), max(room // 2, room - len(after)))
        before, after = before[len(before) - of_left :], after[: room - of_left]
        middle = [self.tokenizer.mask_token_id] if self.pool == "mask" else []
        pieces = [self.tokenizer.cls_token_id, *before, *middle, *after, self.tokenizer.sep_token_id]
        return pieces, len(before) + 1

    def _embed(self, cut: list[tuple[list[int], int]]) -> NDArray[np.float32]:
        longest = max(len(pieces) for pieces, _ in cut)
        ids, mask = torch.zeros(len(cut), longest, dtype=torch.int64), torch.zeros(len(cut), longest, dtype=torch.bool)
        for row, (pieces, _) in enumerate(cut):
            ids[row, : len(pieces)] = torch.tensor(pieces)
            mask[row, : len(pieces)] = True
        states, _ = self.encoder(ids, mask)
        if self.pool == "mask":
            vector = states[torch.arange(len(cut)), torch.tensor([place for _, place in cut])]
        else:
            shown = mask.clone()
            lengths = mask.sum(dim=1)
            filled = lengths > 2
            shown[filled, 0] = False
            shown[torch.arange(len(cut))[filled], lengths[filled] - 1] = False
            vector = (states * shown[..., None]).sum(dim=1) / shown.sum(dim=1, keepdim=True)
        return np.asarray(nn.functional.normalize(vector, dim=1).cpu().numpy(), dtype=np.float32)


def _set_training(encoder: StateEncoder, mode: bool) -> bool:
    """Set the mode of an encoder that is a module, and return the mode before."""
    if not isinstance(encoder, nn.Module):
        return mode
    before = encoder.training
    encoder.train(mode)
    return before
