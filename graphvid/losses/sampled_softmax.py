"""Softmax over a positive and sampled negatives, corrected for how often each was sampled."""

from __future__ import annotations

from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from graphvid._autograd import apply
from graphvid._checks import check_choice, check_number, check_tensor
from graphvid._precision import at_least_float32, no_autocast
from graphvid.losses._batch_softmax import BatchCrossEntropy
from graphvid.losses._edge_scores import (
    Reduction,
    check_reduction,
    check_scores,
    reduce,
)

ItemsLearnFrom = Literal["all", "batch"]


class SampledSoftmaxLoss(nn.Module):
    r"""Cross entropy of telling the positive from sampled negatives.

    .. math:: \ell_i = -\log \frac{\exp z_i^+}{\exp z_i^+ + \sum_{j=1}^{K} \exp z_{ij}^-} , \qquad
        z = s / \tau - \alpha \log q

    with :math:`s` = ``positive_scores`` and ``negative_scores``, :math:`\tau` = ``temperature``, :math:`\alpha` =
    ``log_q_scale`` and :math:`q` the chance that one draw of the sampler gives the item. The correction is subtracted
    after the division by the temperature, so its weight does not depend on it. With :math:`\alpha = 1`,
    :math:`\frac{1}{K} \sum_j \exp z_{ij}^-` is an unbiased estimate of :math:`\sum_j \exp(s_{ij} / \tau)` over all items
    that can be drawn. Serve without the correction.

    Parameters
    ----------
    temperature : float, default 1.0
        :math:`\tau > 0`. 1 is the published dot product; for unit vectors .05 to .2 is usual.
    log_q_scale : float, default 1.0
        :math:`\alpha` in [0, 1]; below 1 the correction is only partial, a knob of practice rather than of theory.
    reduction : {"mean", "sum", "none"}, default "mean"
        Over the rows of the batch.

    Raises
    ------
    ValueError
        When an argument is outside its range.

    Notes
    -----
    The backward pass keeps one float a negative, the exponentials; forward and backward each take one more for what they
    return or compute. Everything is computed in float32 at least. Second derivatives are not offered, and no gradient
    goes to ``log q``.

    In-batch negatives, and those of a memory (`CrossBatchNegatives`): see `of_batch`.

    References
    ----------
    Bengio and Senecal, Quick Training of Probabilistic Neural Nets by Importance Sampling, AISTATS 2003; Yi et al.,
    Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations, RecSys 2019, eq. 3 to 5; Wang et al.,
    Cross-Batch Negative Sampling for Training Two-Tower Recommenders, SIGIR 2021.

    Examples
    --------
    >>> loss = SampledSoftmaxLoss()
    >>> loss(torch.tensor([0.0]), torch.tensor([[0.0, 0.0, 0.0]]))  # log 4
    tensor(1.3863)
    >>> q = torch.tensor([0.5, 0.25, 0.25])  # each as if seen 1 / q times: log((2 + 2 + 4 + 4) / 2)
    >>> loss(torch.tensor([0.0]), torch.zeros(1, 3), positive_log_q=q[:1].log(), negative_log_q=q.log())
    tensor(1.7918)
    """

    def __init__(self, temperature: float = 1.0, log_q_scale: float = 1.0, *, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.temperature = check_number("temperature", temperature, "a finite float > 0", least=5e-324)
        self.log_q_scale = check_number("log_q_scale", log_q_scale, "a float in [0, 1]", least=0, most=1)
        self.reduction = check_reduction(reduction)

    def forward(
        self,
        positive_scores: Tensor,
        negative_scores: Tensor,
        *,
        mask: Tensor | None = None,
        positive_log_q: Tensor | None = None,
        negative_log_q: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Parameters
        ----------
        positive_scores : Tensor, shape (batch,)
            Score of each row and its positive.
        negative_scores : Tensor, shape (batch, num_negatives)
            Scores of each row and its negatives, drawn for the row or shared by the batch.
        mask : Tensor of bool, shape (batch, num_negatives), optional
            True for the negatives that count. A row without any has loss 0.
        positive_log_q : Tensor, shape (batch,), optional
            Logarithm of the chance of each positive under the sampler, in nats, finite. A constant that is the same for
            the positive and all negatives of a row cancels.
        negative_log_q : Tensor, shape (num_negatives,) or (batch, num_negatives), optional
            That of each negative. Give both or neither; neither is no correction, right for uniform draws.

        Returns
        -------
        Tensor
            In nats: a scalar, or shape (batch,) with ``reduction="none"``; for an empty batch a zero connected to the
            inputs.

        Raises
        ------
        ValueError
            When the shapes do not fit together, there is no negative, only one ``log_q`` is given, or one is not
            finite: an item that is never drawn has none.
        TypeError
            When scores or ``log_q`` are not floating point or the mask is not bool.
        """
        positive, negative = check_scores(positive_scores, negative_scores, mask)
        positive = positive / self.temperature
        correction = None
        if positive_log_q is not None and negative_log_q is not None:
            _check_log_q("positive_log_q", positive_log_q, positive.shape)
            _check_log_q("negative_log_q", negative_log_q, negative.shape, negative.shape[1:])
            positive = positive - self.log_q_scale * positive_log_q.detach().to(positive.dtype)
            correction = self.log_q_scale * negative_log_q.detach().to(negative.dtype)
        elif positive_log_q is not None or negative_log_q is not None:
            given, lacks = ("negative", "positive") if positive_log_q is None else ("positive", "negative")
            raise ValueError(f"{lacks}_log_q must come with {given}_log_q: give both or neither, got one")
        return reduce(apply(_CrossEntropy, positive, negative, self.temperature, correction, mask), self.reduction)

    def of_batch(
        self,
        users: Tensor,
        items: Tensor,
        memory: Tensor | None = None,
        *,
        mask: Tensor | None = None,
        log_q: Tensor | None = None,
        items_learn_from: ItemsLearnFrom = "all",
    ) -> Tensor:
        r"""Compute the loss of a batch of pairs, in which the items of the other rows are negatives of a row.

        The value of `forward` with ``scores = users @ torch.cat([items, memory]).T`` as the negatives, the diagonal
        masked, and ``scores.diagonal()`` as the positives, in fewer passes.

        Parameters
        ----------
        users : Tensor, shape (batch, dim)
            Vectors of the users.
        items : Tensor, shape (num_items, dim)
            Vectors of their items, row by row; those after ``batch`` are further negatives of all rows.
        memory : Tensor, shape (num_entries, dim), optional
            Negatives of all rows that get no gradient, as `CrossBatchNegatives` keeps them.
        mask : Tensor of bool, shape (batch, num_items + num_entries), optional
            True for the negatives that count; ``~known_positive_mask(...)``, or ``~own_item_mask(...)`` for the copies of
            a row's item in other rows. A row's own column, on the diagonal, never counts, whatever the mask says.
        log_q : Tensor, shape (num_items + num_entries,), optional
            Logarithm of the chance of each column's item under the sampler, in nats, finite.
        items_learn_from : {"all", "batch"}, default "all"
            Whether the gradient of items is that of the softmax over items and memory, as published, or of that over
            the items alone. In the first the entries take their share of the softmax, so items are pushed the less the
            more entries there are, and pulled as before.

        Returns
        -------
        Tensor
            As of `forward`.

        Raises
        ------
        ValueError
            When the shapes do not fit together, ``log_q`` is not finite, or for another ``items_learn_from``.
        TypeError
            When vectors or ``log_q`` are not floating point or the mask is not bool.

        Notes
        -----
        O(batch * (num_items + num_entries) * dim) time, and one number a score kept for the backward pass.

        Examples
        --------
        Three pairs; rows 0 and 2 have the same item:

        >>> from graphvid.losses import own_item_mask
        >>> ids = torch.tensor([7, 4, 7])
        >>> loss = SampledSoftmaxLoss(reduction="none")
        >>> loss.of_batch(torch.zeros(3, 2), torch.zeros(3, 2), mask=~own_item_mask(ids, ids))  # log 2, log 3, log 2
        tensor([0.6931, 1.0986, 0.6931])
        """
        check_tensor("users", users)
        check_tensor("items", items)
        if memory is not None:
            check_tensor("memory", memory)
        memory = items.new_empty(0, *items.shape[1:]) if memory is None else memory
        shapes = [vectors.shape for vectors in (users, items, memory)]
        if any(len(shape) != 2 or shape[1] != shapes[0][1] for shape in shapes) or len(items) < len(users):
            raise ValueError(
                "users, items and memory must have shapes (batch, dim), (num_items >= batch, dim) and "
                f"(num_entries, dim), got {', '.join(str(tuple(shape)) for shape in shapes)}"
            )
        check_choice("items_learn_from", items_learn_from, get_args(ItemsLearnFrom))
        for name, vectors in (("users", users), ("items", items), ("memory", memory)):
            if not vectors.is_floating_point():
                raise TypeError(f"{name} must be floating point, got dtype {vectors.dtype}")
        if not len(users):
            return reduce(users.sum(dim=1), self.reduction)
        shape = len(users), len(items) + len(memory)
        check_scores(users[:, 0], users.new_empty(()).expand(shape), mask)
        users, items, memory = (at_least_float32(vectors) for vectors in (users, items, memory.detach()))
        correction = None
        if log_q is not None:
            _check_log_q("log_q", log_q, torch.Size(shape[1:]))
            correction = self.log_q_scale * log_q.detach().to(users.dtype)
        split = items_learn_from == "batch"
        with no_autocast(users):
            losses = apply(BatchCrossEntropy, users, items, memory, self.temperature, correction, mask, split)
        return reduce(losses, self.reduction)

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"temperature={self.temperature}, log_q_scale={self.log_q_scale}, reduction={self.reduction!r}"


def _check_log_q(name: str, log_q: Tensor, *shapes: torch.Size) -> None:
    """Raise unless ``log_q`` has one of the shapes and holds finite floats."""
    check_tensor(name, log_q, floating=True)
    if log_q.shape not in shapes:
        raise ValueError(
            f"{name} must have shape {' or '.join(str(tuple(s)) for s in shapes)}, got {tuple(log_q.shape)}"
        )
    if not torch.isfinite(log_q).all():
        raise ValueError(f"{name} must be finite: an item that is never drawn has none, got {float(log_q.min())}")


class _CrossEntropy(torch.autograd.Function):
    """Cross entropy of each row's positive logit against the negative logits ``scores / temperature - correction``."""

    @staticmethod
    def forward(
        ctx: Any, positive: Tensor, scores: Tensor, temperature: float, correction: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        """Return (batch,)."""
        logits = scores / temperature
        if correction is not None:
            logits.sub_(correction)
        if mask is not None:
            logits.masked_fill_(~mask, -torch.inf)
        top = logits.amax(dim=1).clamp_(min=torch.finfo(logits.dtype).min)  # finite, also where all is masked
        weight = logits.sub_(top[:, None]).exp_()
        total = weight.sum(dim=1)
        gap = total.log() + top - positive  # -inf where all is masked: loss and gradient are 0
        share = torch.sigmoid(gap)
        ctx.save_for_backward(weight, share, share / (total.clamp(min=1) * temperature))  # one weight is 1
        return F.softplus(gap)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the positive logit and of the negative scores."""
        weight, share, scale = ctx.saved_tensors
        return -grad * share, weight * (grad * scale)[:, None], None, None, None
