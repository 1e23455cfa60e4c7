"""Batches of whole documents with their mentions, candidates and words; each epoch has its own random order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphvid._checks import check_count, check_integer
from graphvid.ops.neighbors import expand_ranges


class DocumentBatch(NamedTuple):
    """Ids of the parts of some documents, document after document.

    Parameters
    ----------
    mentions, candidates, words : Tensor of int64, shape (num_mentions,), (num_candidates,), (num_words,)
        Ids among all documents.
    doc_indptr : Tensor of int64, shape (num_docs + 1,)
        Document d of the batch has the rows ``doc_indptr[d]`` to ``doc_indptr[d + 1] - 1`` of ``mentions``.
    cand_indptr, word_indptr : Tensor of int64, shape (num_mentions + 1,)
        The same for a mention's rows of ``candidates`` and of ``words``.
    """

    mentions: Tensor
    candidates: Tensor
    words: Tensor
    doc_indptr: Tensor
    cand_indptr: Tensor
    word_indptr: Tensor


class Documents:
    """Documents as ranges of mentions, candidates and words, from which `take` reads some documents.

    Parameters
    ----------
    doc_indptr : Tensor of int64, shape (num_docs + 1,)
        Document d has the mentions ``doc_indptr[d]`` to ``doc_indptr[d + 1] - 1``.
    cand_indptr, word_indptr : Tensor of int64, shape (num_mentions + 1,)
        The same for a mention's candidates and words.
    block_size : int, optional
        Largest number of mentions of a document. Longer ones are cut into blocks, each of which then counts as a document.
        Default: no cut.

    Raises
    ------
    ValueError
        A block size below 1.

    Examples
    --------
    >>> documents = Documents(torch.tensor([0, 1, 3]), torch.tensor([0, 2, 4, 5]), torch.tensor([0, 0, 0, 0]))
    >>> batch = documents.take(torch.tensor([1]))
    >>> batch.mentions, batch.candidates, batch.cand_indptr
    (tensor([1, 2]), tensor([2, 3, 4]), tensor([0, 2, 3]))
    """

    def __init__(
        self, doc_indptr: Tensor, cand_indptr: Tensor, word_indptr: Tensor, block_size: int | None = None
    ) -> None:
        check_integer("block_size", block_size, 1, none=True)
        if block_size is not None:
            starts, counts = doc_indptr[:-1], doc_indptr.diff()
            blocks = (counts + block_size - 1) // block_size
            within, doc = expand_ranges(torch.zeros_like(starts), blocks)
            doc_indptr = torch.cat([starts[doc] + within * block_size, doc_indptr[-1:]])
        self.doc_indptr, self.cand_indptr, self.word_indptr = doc_indptr, cand_indptr, word_indptr

    @property
    def num_docs(self) -> int:
        """Number of documents, or of blocks with ``block_size``."""
        return len(self.doc_indptr) - 1

    def take(self, docs: Tensor) -> DocumentBatch:
        """Return the parts of some documents, in the order given."""
        mentions, doc_indptr = _ranges(self.doc_indptr, docs)
        candidates, cand_indptr = _ranges(self.cand_indptr, mentions)
        words, word_indptr = _ranges(self.word_indptr, mentions)
        return DocumentBatch(mentions, candidates, words, doc_indptr, cand_indptr, word_indptr)


class DocumentBatches:
    """Yield batches of some documents, epoch by epoch; a resumed run continues where it stopped.

    Parameters
    ----------
    documents : Documents
    docs : Tensor of int64, shape (num_chosen,)
        Numbers of the training documents.
    batch_size : int
        Documents a batch, >= 1. The last batch of an epoch may be smaller.
    num_epochs : int
        Passes, >= 1.
    seed : int
        Seed of the orders.
    """

    def __init__(self, documents: Documents, docs: Tensor, batch_size: int, num_epochs: int, seed: int) -> None:
        for name, value in (("batch_size", batch_size), ("num_epochs", num_epochs)):
            check_integer(name, value, 1)
        check_integer("seed", seed, 0)
        if not len(docs):
            raise ValueError("docs must hold at least one document to learn from, got none")
        self.documents, self.docs, self.batch_size, self.seed = documents, docs, batch_size, seed
        self.per_epoch = -(-len(docs) // batch_size)
        self.num_steps = num_epochs * self.per_epoch
        self.step = 0

    def __len__(self) -> int:
        return self.num_steps

    def state_dict(self) -> dict[str, int]:
        """Return the number of the next batch."""
        return {"step": self.step}

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Continue from ``state``.

        Raises
        ------
        ValueError
            Its step is not the number of a batch.
        """
        step = check_count("state['step']", state["step"], 0)
        if step > self.num_steps:
            raise ValueError(f"state['step'] must be at most {self.num_steps}, got {step}")
        self.step = step

    def __iter__(self) -> Iterator[DocumentBatch]:
        if self.step >= self.num_steps:  # with an empty loader Lightning would count epochs forever
            raise RuntimeError(f"all {self.num_steps} steps are done; set num_epochs higher, or step back")
        for epoch in range(self.step // self.per_epoch, self.num_steps // self.per_epoch):
            order = torch.from_numpy(np.random.default_rng((self.seed, epoch)).permutation(len(self.docs)))
            for i in range(self.step % self.per_epoch, self.per_epoch):
                self.step += 1
                yield self.documents.take(self.docs[order[i * self.batch_size : (i + 1) * self.batch_size]])


def _ranges(indptr: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the elements of some rows, and the start of each row's elements."""
    counts = indptr.diff()[rows]
    elements, _ = expand_ranges(indptr[:-1][rows], counts)
    return elements, torch.cat([counts.new_zeros(1), counts.cumsum(0)])
