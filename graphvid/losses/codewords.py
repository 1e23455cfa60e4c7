"""Regularisation terms: assignment entropy makes soft codes peaked, codeword diversity separates codewords."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_tensor

Diversity = Literal["mean_inner", "log_gaussian"]


def assignment_entropy(log_weights: Tensor) -> Tensor:
    r"""Return the mean entropy of soft assignments, in nats.

    .. math:: -\frac{1}{N M} \sum_{i, m, k} p_{imk} \log p_{imk}

    Minimising it makes assignments peaked, so that a mixture of codewords comes near the stored codeword.

    Parameters
    ----------
    log_weights : Tensor, shape (batch, num_codebooks, num_codewords), floating
        Logarithms of weights that sum to 1 over the codewords, from `graphvid.nn.ProductQuantizer`; -inf for a weight of
        exactly 0, which adds nothing and has no gradient.

    Returns
    -------
    Tensor
        A scalar in [0, log num_codewords]; a zero connected to the input for an empty batch.

    Raises
    ------
    ValueError
        Another number of dimensions.

    References
    ----------
    Wang et al., Contrastive Quantization with Code Memory for Unsupervised Image Retrieval, AAAI 2022, and its code.

    Examples
    --------
    >>> round(float(assignment_entropy(torch.tensor([[[0.5, 0.5, 0.0]]]).log())), 4)  # log 2
    0.6931
    """
    check_tensor("log_weights", log_weights, floating=True)
    if log_weights.dim() != 3:
        raise ValueError(
            f"log_weights must have shape (batch, num_codebooks, num_codewords), got {tuple(log_weights.shape)}"
        )
    finite = log_weights.masked_fill(log_weights == -torch.inf, 0.0)
    rows = log_weights.shape[0] * log_weights.shape[1]
    return -(log_weights.exp() * finite).sum() / max(rows, 1)


def codeword_diversity(codebooks: Tensor, *, kind: Diversity = "mean_inner") -> Tensor:
    r"""Return a term that is large if the codewords of a codebook are close together; minimise it.

    .. math:: \frac{1}{M K^2} \sum_{m, k, j} \langle c_{mk}, c_{mj} \rangle
        = \frac{1}{M} \sum_m \Bigl\lVert \frac{1}{K} \sum_k c_{mk} \Bigr\rVert^2

    Parameters
    ----------
    codebooks : Tensor, shape (num_codebooks, num_codewords, dim), floating
        Codewords, usually of unit length.
    kind : {"mean_inner", "log_gaussian"}
        ``"mean_inner"``: the mean inner product above, over all pairs and each codeword with itself, computed as the squared
        length of the mean. It is 0 if the codewords of each codebook sum to 0, also if they form two opposite clusters.
        ``"log_gaussian"``: :math:`\frac{1}{M} \sum_m \log \frac{1}{K (K - 1)} \sum_{k \neq j} e^{-2 \lVert c_{mk} -
        c_{mj} \rVert^2}`, which is large for such clusters.

    Returns
    -------
    Tensor
        A scalar: >= 0 for ``"mean_inner"``, <= 0 for ``"log_gaussian"``.

    Raises
    ------
    ValueError
        Another shape, fewer than two codewords, or an unknown kind.

    Notes
    -----
    O(M K dim) time for ``"mean_inner"``, O(M K^2 dim) for ``"log_gaussian"``. In the released code of MeCoQ the codebooks
    of this term have no gradient, so it is a constant.

    References
    ----------
    Wang et al., Contrastive Quantization with Code Memory for Unsupervised Image Retrieval, AAAI 2022. Wang and Isola,
    Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere, ICML 2020, for
    the second kind.

    Examples
    --------
    >>> opposite = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]])
    >>> float(codeword_diversity(opposite))
    0.0
    """
    check_tensor("codebooks", codebooks, floating=True)
    if codebooks.dim() != 3 or codebooks.shape[1] < 2:
        raise ValueError(
            f"codebooks must have shape (num_codebooks, num_codewords >= 2, dim), got {tuple(codebooks.shape)}"
        )
    check_choice("kind", kind, get_args(Diversity))
    if kind == "mean_inner":
        return codebooks.mean(dim=1).square().sum(dim=-1).mean()
    squares = codebooks.square().sum(dim=-1)
    distances = squares[:, :, None] + squares[:, None] - 2 * codebooks @ codebooks.transpose(1, 2)
    count = codebooks.shape[1]
    own = torch.eye(count, dtype=torch.bool, device=codebooks.device)
    logs = (-2 * distances).masked_fill(own, -torch.inf).flatten(1).logsumexp(dim=1)
    return (logs - torch.tensor(count * (count - 1.0)).log().to(logs)).mean()
