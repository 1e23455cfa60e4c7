"""Scores of the coherence of candidates of different mentions, by one relation or by several weighted relations."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_width
from graphvid.nn.max_product import AssignmentLayout


class PairCoherence(nn.Module):
    r"""Score pairs of candidates by one diagonal relation: :math:`\phi = \frac{2}{n - 1} x_e^\top C x_{e'}`.

    Parameters
    ----------
    dim : int
        Columns of entities. The diagonal C starts as ones.

    Notes
    -----
    n is the number of mentions of the document; one mention has no pairs. O(N^2 dim) time for N candidates.

    References
    ----------
    Ganea and Hofmann, EMNLP 2017, equation 7.

    Examples
    --------
    >>> layout = AssignmentLayout(torch.tensor([0, 2]), torch.tensor([0, 1, 2]))
    >>> PairCoherence(2)(torch.tensor([[1.0, 0.0], [0.5, 0.5]]), layout).tolist()
    [2.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.relation = nn.Parameter(torch.ones(check_width("dim", dim)))

    def forward(self, entities: Tensor, layout: AssignmentLayout) -> Tensor:
        """Return the scores of all pairs, shape (num_pairs,), of the candidates' vectors, shape (num_nodes, dim)."""
        _check_nodes(entities, layout, len(self.relation))
        blocks = [entities.new_zeros(0)]
        counts, starts = layout.doc_indptr.diff().tolist(), layout.node_start.tolist()
        for n, first, last in zip(counts, starts[:-1], starts[1:], strict=True):
            x = entities[first:last]
            blocks.append((2 / max(n - 1, 1) * (x * self.relation) @ x.T).flatten())
        return torch.cat(blocks)


class MentionRelations(nn.Module):
    r"""Score pairs of candidates by several relations, with weights from the mentions' contexts.

    .. math::
        \phi(e_i, e_j) = \frac{1}{K} \sum_k (a_{ijk} + a_{jik})\, x_{e_i}^\top R_k x_{e_j}, \qquad
        a_{ijk} = \mathrm{softmax}_{j \ne i}\big(f(m_i)^\top D_k f(m_j) / \sqrt{d}\big), \quad f = \tanh(W m + b)

    with diagonal :math:`R_k` and :math:`D_k` (ment-norm).

    Parameters
    ----------
    dim : int
        Columns of entities.
    mention_dim : int
        Columns of mentions' vectors.
    hidden : int, default 300
        d, the columns of f.
    num_relations : int, default 3
        K.
    dropout : float, default 0.3
        Share of the columns of f that training sets to zero.

    Attributes
    ----------
    dummy_entity : Parameter, shape (dim,)
        The only candidate of the dummy mention of every document, with which a mention relates to no other mention.

    Raises
    ------
    ValueError
        A width below 1, or a share out of range.

    Notes
    -----
    The last mention of every document of the layout is the dummy: it has one candidate, whose local score is 0, the
    learned vector f and the learned entity. `with_dummies` makes such a layout. :math:`R_1` starts near one, the other
    relations and D near zero and one. O(N^2 dim K) time for N candidates.

    References
    ----------
    Le and Titov, "Improving Entity Linking by Modeling Latent Relations between Mentions", ACL 2018.
    """

    def __init__(
        self, dim: int, mention_dim: int, *, hidden: int = 300, num_relations: int = 3, dropout: float = 0.3
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {dropout}")
        check_width("dim", dim)
        check_width("num_relations", num_relations)
        self.of_mention = nn.Linear(check_width("mention_dim", mention_dim), check_width("hidden", hidden))
        self.dropout = nn.Dropout(dropout)
        start = torch.zeros(num_relations, dim)
        start[0] = 1.0
        self.relation = nn.Parameter(start + 0.1 * torch.randn(num_relations, dim))
        self.weigh = nn.Parameter(1.0 + 0.1 * torch.randn(num_relations, hidden))
        self.dummy_entity = nn.Parameter(0.1 * torch.randn(dim))
        self.dummy_mention = nn.Parameter(0.1 * torch.randn(hidden))

    def forward(self, entities: Tensor, mentions: Tensor, layout: AssignmentLayout) -> Tensor:
        """Score all pairs.

        Parameters
        ----------
        entities : Tensor, shape (num_nodes - num_docs, dim)
            Vectors of the candidates, without those of the dummies.
        mentions : Tensor, shape (num_mentions - num_docs, mention_dim)
            Vectors of the mentions, without the dummies.
        layout : AssignmentLayout
            With a dummy at the end of every document.

        Returns
        -------
        Tensor, shape (num_pairs,)
        """
        num_docs = len(layout.doc_indptr) - 1
        if len(entities) != layout.num_nodes - num_docs or entities.shape[1:] != self.dummy_entity.shape:
            shape = (layout.num_nodes - num_docs, len(self.dummy_entity))
            raise ValueError(f"entities must have shape {shape}, got {tuple(entities.shape)}")
        if mentions.shape != (len(layout.cand_indptr) - 1 - num_docs, self.of_mention.in_features):
            shape = (len(layout.cand_indptr) - 1 - num_docs, self.of_mention.in_features)
            raise ValueError(f"mentions must have shape {shape}, got {tuple(mentions.shape)}")
        f = self.dropout(torch.tanh(self.of_mention(mentions)))
        scale = 1 / math.sqrt(self.of_mention.out_features)
        num_relations = len(self.relation)
        blocks = [entities.new_zeros(0)]
        starts, nodes = layout.doc_indptr.tolist(), layout.node_start.tolist()
        counts = layout.cand_indptr.diff()
        for d in range(num_docs):
            of_doc = torch.cat([f[starts[d] - d : starts[d + 1] - d - 1], self.dummy_mention[None]])
            x = torch.cat([entities[nodes[d] - d : nodes[d + 1] - d - 1], self.dummy_entity[None]])
            logits = torch.einsum("kd,id,jd->kij", self.weigh, of_doc, of_doc) * scale
            own = torch.eye(len(of_doc), dtype=torch.bool, device=f.device)
            if len(of_doc) > 1:
                weight = logits.masked_fill(own, -math.inf).softmax(dim=2)
            else:
                weight = torch.zeros_like(logits)  # a document without a mention has nothing to relate
            weight = weight + weight.transpose(1, 2)
            of_node = torch.repeat_interleave(counts[starts[d] : starts[d + 1]])
            pair = x.new_zeros(len(x), len(x))
            for k in range(num_relations):
                pair = pair + weight[k][of_node][:, of_node] * ((x * self.relation[k]) @ x.T)
            blocks.append((pair / num_relations).flatten())
        return torch.cat(blocks)


def with_dummies(doc_indptr: Tensor, cand_indptr: Tensor) -> tuple[AssignmentLayout, Tensor]:
    """Return the layout of documents that each have one more mention at the end, with one candidate.

    Returns
    -------
    AssignmentLayout
    Tensor of int64, shape (num_candidates,)
        Node of every candidate in the new layout.
    """
    num_docs = len(doc_indptr) - 1
    doc = torch.arange(num_docs, device=doc_indptr.device)
    mention_doc = torch.repeat_interleave(doc, doc_indptr.diff())
    counts = cand_indptr.diff()
    place = torch.arange(len(counts), device=counts.device) + mention_doc
    more = counts.new_ones(len(counts) + num_docs)
    more[place] = counts
    node = torch.arange(int(cand_indptr[-1]), device=counts.device) + torch.repeat_interleave(mention_doc, counts)
    layout = AssignmentLayout(
        doc_indptr + torch.arange(num_docs + 1, device=doc.device), torch.cat([counts.new_zeros(1), more.cumsum(0)])
    )
    return layout, node


def _check_nodes(entities: Tensor, layout: AssignmentLayout, dim: int) -> None:
    """Raise unless there is a row of ``dim`` columns for every node of the layout."""
    if entities.shape != (layout.num_nodes, dim):
        raise ValueError(f"entities must have shape {(layout.num_nodes, dim)}, got {tuple(entities.shape)}")
