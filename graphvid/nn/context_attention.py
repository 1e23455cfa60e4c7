"""Hard attention on the words around a mention: the words with the best match to any candidate score all candidates."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_width
from graphvid.ops import Adjacency


class ContextAttention(nn.Module):
    r"""Score candidates by the words of the context that match one of the candidates best.

    .. math:: u(w) = \max_e x_e^\top A x_w, \qquad b = \mathrm{softmax}(\text{the } R \text{ largest } u), \qquad
              \psi_{\mathrm{long}}(e) = \sum_w b(w)\, x_e^\top B x_w

    with the vectors :math:`x_e` of candidates, :math:`x_w` of words, and the diagonal matrices A and B, which start as
    ones.

    Parameters
    ----------
    dim : int
        Columns of words and entities.
    num_kept : int, default 25
        R, the number of words that count; all if there are fewer. Of words with equal u the earlier ones count.

    Raises
    ------
    ValueError
        A number below 1.

    Notes
    -----
    Contexts are ragged: there is an edge for each pair of a word and a candidate of the same mention, O(num_edges * dim)
    time. A mention without words has score 0 for every candidate.

    References
    ----------
    Ganea and Hofmann, "Deep Joint Entity Disambiguation with Local Neural Attention", EMNLP 2017, equations 2 to 5.

    Examples
    --------
    >>> words, entities = torch.eye(2), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> attention = ContextAttention(2, num_kept=1)
    >>> attention(words[:1], torch.tensor([0, 1]), entities, torch.tensor([0, 2])).tolist()
    [1.0, 0.0]
    """

    def __init__(self, dim: int, num_kept: int = 25) -> None:
        super().__init__()
        self.dim, self.num_kept = check_width("dim", dim), check_width("num_kept", num_kept)
        self.attention = nn.Parameter(torch.ones(dim))
        self.score = nn.Parameter(torch.ones(dim))

    def forward(self, words: Tensor, word_indptr: Tensor, entities: Tensor, cand_indptr: Tensor) -> Tensor:
        """Score all candidates of some mentions.

        Parameters
        ----------
        words : Tensor, shape (num_words, dim)
            Vectors of the words of the mentions' contexts, in the order of the text.
        word_indptr : Tensor of int64, shape (num_mentions + 1,)
            Mention m has the words ``word_indptr[m]`` to ``word_indptr[m + 1] - 1``.
        entities : Tensor, shape (num_candidates, dim)
            Vectors of the mentions' candidates.
        cand_indptr : Tensor of int64, shape (num_mentions + 1,)
            The same for candidates.

        Returns
        -------
        Tensor, shape (num_candidates,)
        """
        for name, x, indptr in (("words", words, word_indptr), ("entities", entities, cand_indptr)):
            if x.dim() != 2 or x.shape[1] != self.dim or len(x) != int(indptr[-1]):
                raise ValueError(f"{name} must have shape ({int(indptr[-1])}, {self.dim}), got {tuple(x.shape)}")
        if len(word_indptr) != len(cand_indptr):
            raise ValueError(f"both indptr must have one length, got {len(word_indptr)} and {len(cand_indptr)}")
        num_mentions = len(word_indptr) - 1
        mention = torch.repeat_interleave(torch.arange(num_mentions, device=words.device), word_indptr.diff())
        counts = cand_indptr.diff()[mention]  # pairs of a word and each candidate of its mention
        pair_indptr = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        pair = torch.arange(int(pair_indptr[-1]), device=words.device)
        of_word = torch.repeat_interleave(torch.arange(len(words), device=words.device), counts)
        candidate = pair - pair_indptr[of_word] + cand_indptr[mention[of_word]]
        pairs = Adjacency.from_coo(of_word, candidate, num_src=len(words), num_dst=len(entities))
        logits = pairs.sddmm(words * self.attention, entities)
        suits = Adjacency.from_segments(pair_indptr).spmm(logits[:, None], reduce="max")[:, 0]

        order = torch.argsort(suits.detach(), descending=True, stable=True)
        order = order[torch.argsort(mention[order], stable=True)]
        rank = torch.arange(len(words), device=words.device) - word_indptr[mention]
        kept = order[rank < self.num_kept].sort().values
        counted = Adjacency.from_coo(kept, mention[kept], num_src=len(words), num_dst=num_mentions)
        share = counted.edge_softmax(suits.index_select(0, kept))
        context = counted.spmm(words, share)
        of_candidate = torch.repeat_interleave(torch.arange(num_mentions, device=words.device), cand_indptr.diff())
        scores: Tensor = (entities * self.score * context.index_select(0, of_candidate)).sum(dim=1)
        return scores
