"""A memory of soft codes: it rebuilds negatives of recent batches from the current codebooks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphvid._checks import MOST_COLUMNS, check_count, check_room, check_tensor
from graphvid.losses._ring_buffer import RingBuffer


class CodeEntries(NamedTuple):
    """Rows of a `CodeMemory`, the oldest entry first; they get no gradient.

    Parameters
    ----------
    ids : Tensor, shape (num_entries,), int64
        Items, so that an item's own old entry is not its negative.
    weights : Tensor, shape (num_entries, num_codebooks, num_kept), float32
        Weights of the codewords; those of a codebook sum to 1.
    codewords : Tensor, shape (num_entries, num_codebooks, num_kept), int16 or int32
        Codeword of each weight.
    ages : Tensor, shape (num_entries,), int64
        Steps since each entry was pushed; 1 for the batch before this one.
    """

    ids: Tensor
    weights: Tensor
    codewords: Tensor
    ages: Tensor


class CodeMemory(RingBuffer):
    """First-in-first-out memory of the soft codes of recent batches; vectors come from the current codebooks.

    At each training step: `rebuild` the vectors, compute the loss with them as further negatives, step, and `push` the
    codes of the batch. In this order a batch is never its own negative. The codebooks are current; only the weights of the
    codewords are old.

    Parameters
    ----------
    capacity : int
        Entries kept, >= 0; the released code keeps 384, one and a half batches of two views.
    num_codebooks, num_codewords : int
        Sizes of the quantiser.
    num_kept : int, optional
        Keep this many codewords of largest weight for each codebook, and scale their weights to the sum 1. Default: all, in
        order. With 8 of 256 codewords an entry takes a 21st of the memory.
    warmup_steps : int, default 0
        Steps before the memory is used; the memory stores the codes pushed in these steps, as in the released code.

    Raises
    ------
    ValueError
        An argument is outside its range.

    Notes
    -----
    Memory ``capacity * num_codebooks * num_kept`` float32 numbers, and int16 ones with ``num_kept``. This is more than the
    vectors would take, but the drift is smaller. A push copies all of it. Any batch size is correct, and a memory that is
    not full returns only its entries. The released code is correct only if the capacity is a multiple of the batch, and
    reads zeros before it is full.

    In evaluation mode `push` changes nothing. All state is in the ``state_dict``, with shapes that do not depend on how
    full the memory is. Under data-parallel training each process keeps a memory of its own batches.

    References
    ----------
    Wang et al., Contrastive Quantization with Code Memory for Unsupervised Image Retrieval, AAAI 2022. Ids, ages and
    ``num_kept`` are additions.

    Examples
    --------
    >>> memory = CodeMemory(capacity=2, num_codebooks=1, num_codewords=2)
    >>> memory.push(torch.tensor([5, 6, 7]), torch.tensor([[[1.0, 0.0]], [[0.5, 0.5]], [[0.0, 1.0]]]))
    >>> memory.rebuild(torch.tensor([[[2.0], [4.0]]])).tolist()
    [[3.0], [4.0]]
    """

    weights: Tensor
    codewords: Tensor

    def __init__(
        self,
        capacity: int,
        num_codebooks: int,
        num_codewords: int,
        *,
        num_kept: int | None = None,
        warmup_steps: int = 0,
    ) -> None:
        num_codebooks = check_count("num_codebooks", num_codebooks, 1, MOST_COLUMNS)
        num_codewords = check_count("num_codewords", num_codewords, 1, MOST_COLUMNS)
        if num_kept is not None and check_count("num_kept", num_kept) > num_codewords:
            raise ValueError(f"num_kept must be None or at most num_codewords={num_codewords}, got {num_kept}")
        kept = num_codewords if num_kept is None else num_kept
        check_room("capacity * num_codebooks * num_kept", check_count("capacity", capacity, 0), num_codebooks, kept)
        super().__init__(capacity, warmup_steps=warmup_steps)
        self.num_codebooks, self.num_codewords, self.num_kept = num_codebooks, num_codewords, num_kept
        self._column("weights", self.num_codebooks, kept)
        if num_kept is not None:
            small = torch.int16 if self.num_codewords <= 2**15 else torch.int32
            self._column("codewords", self.num_codebooks, num_kept, dtype=small)

    def read(self) -> CodeEntries:
        """Return the entries, oldest first; none during the warm-up.

        Returns
        -------
        CodeEntries
            Views that later pushes do not change.
        """
        if self.num_kept is not None:
            return CodeEntries(*self._stored("weights", "codewords"))
        ids, weights, ages = self._stored("weights")
        order = torch.arange(self.num_codewords, device=weights.device, dtype=torch.int32)
        return CodeEntries(ids, weights, order.expand(weights.shape), ages)

    def rebuild(self, codebooks: Tensor) -> Tensor:
        """Return the vectors of the entries, mixed from the given codebooks; none during the warm-up.

        Parameters
        ----------
        codebooks : Tensor, shape (num_codebooks, num_codewords, dim)
            The current codebooks. They get a gradient; pass a detached tensor to prevent it.

        Returns
        -------
        Tensor, shape (num_entries, num_codebooks * dim)

        Raises
        ------
        ValueError
            Codebooks of another number or size.
        """
        check_tensor("codebooks", codebooks, floating=True)
        if codebooks.dim() != 3 or codebooks.shape[:2] != (self.num_codebooks, self.num_codewords):
            raise ValueError(
                f"codebooks must have shape ({self.num_codebooks}, {self.num_codewords}, dim), got "
                f"{tuple(codebooks.shape)}"
            )
        if self.num_kept is None:
            weights = self._stored("weights")[1].to(codebooks.dtype)
            return torch.einsum("nmk,mkd->nmd", weights, codebooks).flatten(1)
        entries = self.read()
        books = torch.arange(self.num_codebooks, device=codebooks.device)[:, None]
        chosen = codebooks[books, entries.codewords.long()]  # (num_entries, num_codebooks, num_kept, dim)
        return torch.einsum("nmk,nmkd->nmd", entries.weights.to(codebooks.dtype), chosen).flatten(1)

    @torch.no_grad()
    def push(self, ids: Tensor, weights: Tensor) -> None:
        """Append copies of the soft codes of a batch, drop the oldest entries beyond the capacity, and count a step.

        In evaluation mode nothing happens. The warm-up stores entries too, but `read` gives none before it ends.

        Parameters
        ----------
        ids : Tensor, shape (batch,), integer
            Items of the batch; an item with two views comes twice.
        weights : Tensor, shape (batch, num_codebooks, num_codewords)
            Weights of the mixtures, stored as float32.

        Raises
        ------
        ValueError
            A shape is wrong.
        TypeError
            Ids are not integers.
        """
        check_tensor("ids", ids)
        check_tensor("weights", weights, floating=True)
        if ids.dim() != 1 or weights.shape != (len(ids), self.num_codebooks, self.num_codewords):
            raise ValueError(
                f"ids and weights must have shapes (batch,) and (batch, {self.num_codebooks}, {self.num_codewords}), got "
                f"{tuple(ids.shape)} and {tuple(weights.shape)}"
            )
        if self.num_kept is None:
            self._append(ids, weights=weights)
        else:
            top = weights.topk(self.num_kept, dim=-1)
            self._append(ids, weights=top.values / top.values.sum(-1, keepdim=True), codewords=top.indices)

    def _shape(self) -> str:
        return f"num_codebooks={self.num_codebooks}, num_codewords={self.num_codewords}, num_kept={self.num_kept}"
