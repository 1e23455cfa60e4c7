"""Product quantisation with gradients: soft codes for training, hard codes for storage, in dense form or as a graph."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from graphvid._checks import check_choice, check_number, check_tensor
from graphvid.nn._shapes import check_width
from graphvid.nn.kmeans import KMeansMethod, kmeans_codebooks
from graphvid.ops import Adjacency

Estimator = Literal["soft", "straight_through"]
_CHUNK = 1 << 24  # scores in memory at once, if no gradient needs all


class Quantized(NamedTuple):
    """Codes of a batch by a `ProductQuantizer`, and their reconstructions.

    Parameters
    ----------
    vectors : Tensor, shape (batch, dim)
        Reconstructions: mixtures of codewords, or the nearest codewords with the mixtures' gradient.
    log_weights : Tensor, shape (batch, num_codebooks, num_codewords)
        Logarithms of the weights of the mixtures; -inf for codewords outside ``top_n``.
    codes : Tensor, shape (batch, num_codebooks), int64
        Nearest codewords, the lower one of equals.
    """

    vectors: Tensor
    log_weights: Tensor
    codes: Tensor


class ProductQuantizer(nn.Module):
    r"""Cut a vector into parts and replace each by a mixture of the codewords of its codebook.

    .. math:: \hat x_m = \sum_{k \in N_m} p_{mk} c_{mk}, \qquad
        p_{mk} = \frac{\exp(\alpha s_{mk})}{\sum_{j \in N_m} \exp(\alpha s_{mj})}, \qquad
        s_{mk} = \Bigl\langle \frac{x_m}{\lVert x_m \rVert}, c_{mk} \Bigr\rangle

    with :math:`\alpha` = ``sharpness``, :math:`c_{mk}` = ``codebooks[m, k]`` and :math:`N_m` the ``top_n`` codewords of
    largest :math:`s_{mk}`, or all. The code of an item is :math:`b_m = \arg\max_k s_{mk}`; it takes
    :math:`M \log_2 K` bits.

    Parameters
    ----------
    dim : int
        Columns of the vectors, D; a multiple of ``num_codebooks``.
    num_codebooks : int
        M.
    num_codewords : int, default 256
        K, at least 2; 256 gives a byte a codebook.
    sharpness : float, default 10
        :math:`\alpha > 0`, an inverse temperature.
    top_n : int, optional
        Codewords that an item attends to, in [1, K]; of equal scores at the border the lower codeword counts. Only these get
        a gradient, so unused codewords need `reseed`. Default: all.
    estimator : {"soft", "straight_through"}
        Form of ``vectors``: the mixture, or the hard reconstruction with the gradient of the mixture.
    unit : bool, default True
        Scale parts and codewords to unit length. Otherwise vectors are not scaled, and
        :math:`s_{mk} = -\lVert x_m - c_{mk} \rVert^2 / 2`, up to a term that is the same for all k. In both cases the
        code is that of the nearest codeword, which is how FAISS encodes.
    train_codebooks : bool, default True
        Whether codewords get a gradient. The released code of MeCoQ never trains its codebooks.

    Attributes
    ----------
    codebooks : Parameter, shape (num_codebooks, num_codewords, dim // num_codebooks), float32
        Xavier uniform at the start, from PyTorch's global generator, and scaled to unit length with ``unit``. Call
        `rescale` after every step of an optimiser.

    Raises
    ------
    ValueError
        When ``dim`` is no multiple of ``num_codebooks`` or an argument is outside its range.

    Notes
    -----
    Time O(batch * K * D), memory O(batch * M * K) in training. A zero part stays zero, attends to all codewords equally and
    has code 0. There is no check for NaN, which would synchronise a GPU at every step.

    `assignment_graph` and `mix` compute the same on the edges from codewords to items. For the backward pass they store
    ``top_n`` weights for each item and codebook, and `forward` stores K; up to K = 256 `forward` is faster.

    References
    ----------
    Wang et al., Contrastive Quantization with Code Memory for Unsupervised Image Retrieval, AAAI 2022. Top-n attention
    and the straight-through estimator are of Wang et al., Hybrid Contrastive Quantization for Efficient Cross-View Video
    Retrieval, WWW 2022. Codewords of free length, the graph form and `reseed` are ours.

    Examples
    --------
    >>> quantizer = ProductQuantizer(4, num_codebooks=2, num_codewords=2)
    >>> _ = quantizer.set_codebooks(torch.eye(2).expand(2, 2, 2))
    >>> quantizer(torch.tensor([[3.0, 1.0, 0.0, 0.2]])).codes
    tensor([[0, 1]])
    >>> quantizer.decode(torch.tensor([[0, 1]])).detach()
    tensor([[1., 0., 0., 1.]])
    """

    def __init__(
        self,
        dim: int,
        num_codebooks: int,
        num_codewords: int = 256,
        *,
        sharpness: float = 10.0,
        top_n: int | None = None,
        estimator: Estimator = "soft",
        unit: bool = True,
        train_codebooks: bool = True,
    ) -> None:
        super().__init__()
        self.dim, self.num_codebooks = check_width("dim", dim), check_width("num_codebooks", num_codebooks)
        if dim % num_codebooks:
            raise ValueError(f"dim must be a multiple of num_codebooks, got {dim} for {num_codebooks} codebooks")
        if check_width("num_codewords", num_codewords) < 2:
            raise ValueError(f"num_codewords must be at least 2, got {num_codewords}")
        self.num_codewords = num_codewords
        self.sharpness = check_number("sharpness", sharpness, "a finite float > 0", least=5e-324)
        check_choice("estimator", estimator, get_args(Estimator))
        self.estimator, self.unit = estimator, bool(unit)
        self.top_n = top_n
        self.codebooks = nn.Parameter(
            torch.empty(num_codebooks, num_codewords, dim // num_codebooks), requires_grad=bool(train_codebooks)
        )
        self.reset_parameters()

    @property
    def top_n(self) -> int | None:
        """Codewords that an item attends to; None for all. You may change it during training."""
        return self._top_n

    @top_n.setter
    def top_n(self, value: int | None) -> None:
        if value is not None and check_width("top_n", value) > self.num_codewords:
            raise ValueError(f"top_n must be None or at most num_codewords={self.num_codewords}, got {value}")
        self._top_n = value

    def reset_parameters(self) -> None:
        """Redraw the codebooks."""
        for codebook in self.codebooks:
            nn.init.xavier_uniform_(codebook.data)
        self.rescale()

    @torch.no_grad()
    def rescale(self) -> ProductQuantizer:
        """Scale the codewords to unit length, outside the gradient; without ``unit`` nothing happens."""
        if self.unit:
            self.codebooks.copy_(normalize(self.codebooks, dim=-1, eps=1e-12))
        return self

    @torch.no_grad()
    def set_codebooks(self, codebooks: Tensor) -> ProductQuantizer:
        """Set the codebooks; with ``unit`` they are scaled to unit length.

        Parameters
        ----------
        codebooks : Tensor, shape (num_codebooks, num_codewords, dim // num_codebooks)

        Raises
        ------
        ValueError
            Another shape, a value that is not finite, or a zero codeword with ``unit``.
        """
        check_tensor("codebooks", codebooks, floating=True)
        if codebooks.shape != self.codebooks.shape:
            raise ValueError(f"codebooks must have shape {tuple(self.codebooks.shape)}, got {tuple(codebooks.shape)}")
        if not bool(torch.isfinite(codebooks).all()):
            raise ValueError("codebooks must be finite, got NaN or infinity")
        if self.unit and not bool((codebooks != 0).any(dim=-1).all()):
            raise ValueError("codebooks must have no zero codeword where codewords are of unit length, got one")
        self.codebooks.copy_(codebooks)
        return self.rescale()

    @torch.no_grad()
    def start_from(
        self, x: Tensor, *, method: KMeansMethod = "lloyd", num_iterations: int = 25, seed: int = 0
    ) -> ProductQuantizer:
        """Start the codebooks at the k-means of some vectors, spherical with ``unit``.

        Parameters
        ----------
        x : Tensor, shape (num_items, dim)
            At least ``num_codewords`` items; a few hundred for each codeword are enough.
        method, num_iterations, seed
            See `kmeans_codebooks`.

        Raises
        ------
        ValueError, ImportError
            Another shape, or as `kmeans_codebooks` raises.
        """
        parts = self.split(x)
        books = kmeans_codebooks(
            parts, self.num_codewords, spherical=self.unit, method=method, num_iterations=num_iterations, seed=seed
        )
        if self.unit:  # all items of a cell may be zero in this part
            dead = (books == 0).all(dim=-1, keepdim=True)
            books = torch.where(dead, self.codebooks, books)
        return self.set_codebooks(books)

    def split(self, x: Tensor) -> Tensor:
        """Return the parts, (num_items, num_codebooks, dim // num_codebooks), of unit length with ``unit``.

        Raises
        ------
        ValueError
            Another shape than (num_items, dim).
        """
        check_tensor("x", x, floating=True)
        if x.dim() != 2 or x.shape[1] != self.dim:
            raise ValueError(f"x must have shape (num_items, {self.dim}), got {tuple(x.shape)}")
        parts = x.reshape(len(x), self.num_codebooks, self.dim // self.num_codebooks)
        return normalize(parts, dim=-1, eps=1e-12) if self.unit else parts

    def scores(self, x: Tensor) -> Tensor:
        """Return the similarities of parts and codewords, (num_items, num_codebooks, num_codewords)."""
        return self._scores(self.split(x))

    def _scores(self, parts: Tensor) -> Tensor:
        products = torch.einsum("nmd,mkd->nmk", parts, self.codebooks)
        return products if self.unit else products - self.codebooks.square().sum(-1) / 2

    def forward(self, x: Tensor) -> Quantized:
        """Quantise a batch.

        Parameters
        ----------
        x : Tensor, shape (batch, dim)

        Returns
        -------
        Quantized

        Raises
        ------
        ValueError
            Another shape.
        """
        scores = self.scores(x)
        logits = self.sharpness * scores
        if self.top_n is not None and self.top_n < self.num_codewords:
            logits = logits.masked_fill(~largest(scores.detach(), self.top_n), -torch.inf)
        log_weights = torch.log_softmax(logits, dim=-1)
        mixed = torch.einsum("nmk,mkd->nmd", log_weights.exp(), self.codebooks).flatten(1)
        codes = scores.argmax(dim=-1)
        return Quantized(self._estimate(mixed, codes), log_weights, codes)

    def _estimate(self, mixed: Tensor, codes: Tensor) -> Tensor:
        if self.estimator == "soft":
            return mixed
        return mixed + (self.decode(codes) - mixed).detach()

    def assignment_graph(self, x: Tensor) -> Adjacency:
        """Return the edges from codewords to the parts that attend to them, with the weights of the mixtures.

        Codeword ``k`` of codebook ``m`` is source ``m * num_codewords + k``, part ``m`` of item ``i`` is destination
        ``i * num_codebooks + m``; every destination has ``top_n`` edges, or ``num_codewords``. Degrees of the sources
        are the use of codewords, and the rows by source are the inverted lists.

        Parameters
        ----------
        x : Tensor, shape (num_items, dim)

        Returns
        -------
        Adjacency
            Its ``weight`` has a gradient; the weights of a destination sum to 1.
        """
        parts = self.split(x)
        count = self.top_n or self.num_codewords
        with torch.no_grad():
            kept = torch.cat(
                [largest(self._scores(rows), count).flatten(0, 1).nonzero() for rows in self._chunks(parts)]
                or [torch.empty(0, 2, dtype=torch.int64, device=x.device)]
            )[:, 1].view(-1, self.num_codebooks, count)
            offsets = torch.arange(self.num_codebooks, device=x.device) * self.num_codewords
            sources = (kept + offsets[:, None]).flatten()
            starts = torch.arange(len(x) * self.num_codebooks + 1, device=x.device) * count
        edges = Adjacency.from_rows(starts, sources, num_src=self.num_codebooks * self.num_codewords)
        codewords = self.codebooks.flatten(0, 1)
        logits = edges.sddmm(codewords, parts.flatten(0, 1))
        if not self.unit:
            logits = logits - edges.sddmm(codewords.square().sum(-1, keepdim=True) / 2, op="copy").squeeze(-1)
        return edges.with_weight(edges.edge_softmax(self.sharpness * logits))

    def mix(self, graph: Adjacency) -> Tensor:
        """Return the mixtures of codewords of an `assignment_graph`, (num_items, dim).

        They equal the ``vectors`` of `forward` with the soft estimator, in value and gradient.
        """
        return graph.spmm(self.codebooks.flatten(0, 1)).reshape(-1, self.dim)

    @torch.no_grad()
    def encode(self, x: Tensor) -> Tensor:
        """Return the codes of vectors, (num_items, num_codebooks), int64, a chunk of items at a time.

        Raises
        ------
        ValueError
            Another shape, or a value that is not finite.
        """
        parts = self.split(x)
        if not bool(torch.isfinite(x).all()):
            raise ValueError("x must be finite, got NaN or infinity")
        found = [self._scores(rows).argmax(dim=-1) for rows in self._chunks(parts)]
        return torch.cat(found) if found else torch.empty(0, self.num_codebooks, dtype=torch.int64, device=x.device)

    def decode(self, codes: Tensor) -> Tensor:
        """Return the concatenated codewords of codes, (num_items, dim).

        Parameters
        ----------
        codes : Tensor, shape (num_items, num_codebooks), integer
            In ``[0, num_codewords)``; a wrong one is an IndexError.
        """
        books = torch.arange(self.num_codebooks, device=codes.device)
        return self.codebooks[books, codes.long()].flatten(1)

    def _chunks(self, parts: Tensor) -> tuple[Tensor, ...]:
        step = max(1, _CHUNK // (self.num_codebooks * self.num_codewords))
        return torch.split(parts, step) if len(parts) else ()

    @torch.no_grad()
    def usage(self, x: Tensor) -> Tensor:
        """Return the number of items that keep each codeword in their ``top_n``, (num_codebooks, num_codewords).

        Without ``top_n`` all items keep all codewords, so the codes are counted instead.
        """
        used = torch.zeros(self.num_codebooks, self.num_codewords, dtype=torch.int64, device=x.device)
        for rows in self._chunks(self.split(x)):
            used += largest(self._scores(rows), self.top_n or 1).sum(dim=0)
        return used

    @torch.no_grad()
    def reseed(self, x: Tensor, use: Tensor, *, seed: int = 0) -> int:
        """Move unused codewords to random items of the most crowded cell of their codebook.

        Parameters
        ----------
        x : Tensor, shape (num_items, dim)
            Possible new places of codewords; with ``unit``, zero parts are left out.
        use : Tensor, shape (num_codebooks, num_codewords), integer
            Use of every codeword, such as the sum of `usage` over an epoch; 0 is dead.
        seed : int, default 0
            Seed of the choice of items.

        Returns
        -------
        int
            Number of moved codewords. Cells are those of the codes, and each item is used once. After the most crowded cell
            comes the next one; after all cells the remaining codewords do not move.

        Raises
        ------
        ValueError
            Another shape.
        """
        check_tensor("use", use)
        if use.shape != self.codebooks.shape[:2]:
            raise ValueError(f"use must have shape {tuple(self.codebooks.shape[:2])}, got {tuple(use.shape)}")
        parts, codes = self.split(x), self.encode(x)
        generator, moved = torch.Generator().manual_seed(seed), 0
        for m in range(self.num_codebooks):
            dead = (use[m] == 0).nonzero().squeeze(1)
            order = torch.randperm(len(x), generator=generator).to(x.device)
            if not len(dead):
                continue
            if self.unit:
                order = order[parts[order, m].any(dim=-1)]
            sizes = torch.bincount(codes[order, m], minlength=self.num_codewords)
            crowded = sizes.argsort(descending=True, stable=True).argsort()  # rank of every cell
            taken = order[crowded[codes[order, m]].argsort(stable=True)[: len(dead)]]
            self.codebooks[m, dead[: len(taken)]] = parts[taken, m].to(self.codebooks.dtype)
            moved += len(taken)
        return moved

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return (
            f"{self.dim}, num_codebooks={self.num_codebooks}, num_codewords={self.num_codewords}, "
            f"sharpness={self.sharpness}, top_n={self.top_n}, estimator={self.estimator!r}, unit={self.unit}, "
            f"train_codebooks={self.codebooks.requires_grad}"
        )


def largest(scores: Tensor, count: int) -> Tensor:
    """Return a mask of the ``count`` largest scores of the last dimension; equals at the border go to the lower place."""
    if count >= scores.shape[-1]:
        return torch.ones_like(scores, dtype=torch.bool)
    border = scores.topk(count, dim=-1).values[..., -1:]
    above, equal = scores > border, scores == border
    missing = count - above.sum(dim=-1, keepdim=True)
    return above | (equal & (equal.cumsum(dim=-1) <= missing))
