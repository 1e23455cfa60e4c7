"""Streaming estimate of the probability that a draw gives an item."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from graphvid._checks import check_count, check_ids, check_number, check_tensor


class StreamingFrequency(nn.Module):
    r"""Estimate of the probability that a draw gives an item, from the gaps between its occurrences.

    For each item it stores the number :math:`A` of the last draw of the item and the mean gap :math:`B`. When draw
    :math:`t` gives the item,

    .. math:: B \leftarrow (1 - a) B + a (t - A) , \qquad A \leftarrow t , \qquad q \approx 1 / B

    with :math:`a` = ``rate``. Unlike counts, the estimate follows a changing distribution.

    Parameters
    ----------
    num_items : int
        Number of items, >= 1.
    rate : float, default 0.01
        :math:`a` in (0, 1]. On a stationary stream the standard deviation of :math:`\log q` is about
        :math:`\sqrt{a / 2}`, 7 % at .01. After a change the estimate adapts within about :math:`1 / a` occurrences.

    Raises
    ------
    ValueError
        An argument is outside its range.

    Notes
    -----
    Differences from the paper: it counts draws instead of batches, so that :math:`q` is the probability of a single draw also
    for an item in nearly every batch; each item has its own slot instead of a hash; the first :math:`1 / a` gaps of an item
    have equal weights, so that the estimate does not depend on an initial value; and ``c`` occurrences of an item in one
    batch are ``c`` gaps of their mean length.

    ``update`` takes O(batch log batch) time on any device. Memory 20 bytes an item, all of it in the ``state_dict``. Each
    process of a data-parallel run counts its own draws; with shuffled data their distribution is the same.

    References
    ----------
    Yi et al., Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations, RecSys 2019, algorithm 2.

    Examples
    --------
    >>> frequency = StreamingFrequency(num_items=3)
    >>> frequency.update(torch.tensor([0, 1, 0, 2, 0, 1, 0, 2]))
    >>> frequency.log_q(torch.tensor([0, 1, 2])).exp()  # 4 in the 7 draws to the last 0, 2 in 6, 2 in 8
    tensor([0.5714, 0.3333, 0.2500])
    """

    last: Tensor
    gap: Tensor
    count: Tensor
    num_draws: Tensor

    def __init__(self, num_items: int, rate: float = 0.01) -> None:
        super().__init__()
        self.num_items = check_count("num_items", num_items, 1)
        self.rate = check_number("rate", rate, "a float in (0, 1]", least=5e-324, most=1)
        self.register_buffer("last", torch.full((self.num_items,), -1))
        self.register_buffer("gap", torch.zeros(self.num_items))
        self.register_buffer("count", torch.zeros(self.num_items, dtype=torch.int64))
        self.register_buffer("num_draws", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, items: Tensor) -> None:
        """Update the estimate by a batch of draws, in their order; in evaluation mode do nothing.

        Parameters
        ----------
        items : Tensor, shape (batch,), integer
            Items drawn, in ``[0, num_items)``.

        Raises
        ------
        ValueError
            The shape is wrong or an id is out of range.
        TypeError
            Ids are not integers.
        """
        check_tensor("items", items)
        if items.dim() != 1:
            raise ValueError(f"items must have shape (batch,), got {tuple(items.shape)}")
        check_ids("items", items, self.num_items)
        if not self.training:
            return
        draw = self.num_draws + torch.arange(len(items), device=items.device)
        ids, place, number = torch.unique(items.long(), return_inverse=True, return_counts=True)
        last = torch.zeros_like(ids).scatter_reduce_(0, place, draw, "amax")
        count = self.count[ids] + number
        weight = torch.maximum(number / count, 1 - (1 - self.rate) ** number)
        self.gap[ids] += weight * ((last - self.last[ids]) / number - self.gap[ids])
        self.last[ids], self.count[ids] = last, count
        self.num_draws += len(items)

    def log_q(self, items: Tensor) -> Tensor:
        """Return the logarithm of the estimated probability of each item, in nats.

        Parameters
        ----------
        items : Tensor of any shape, integer
            Items that were drawn before: call `update` with a batch first.

        Returns
        -------
        Tensor, float32, of the shape of ``items``
            At most 0.

        Raises
        ------
        ValueError
            An id is out of range or an item was never drawn.
        TypeError
            Ids are not integers.
        """
        check_ids("items", items, self.num_items)
        gap = self.gap[items.long()]
        if not gap.all():
            raise ValueError(f"items must have been drawn before, item {int(items[gap == 0][0])} was not")
        return -gap.log()

    def extra_repr(self) -> str:
        """Return the settings for ``repr``."""
        return f"num_items={self.num_items}, rate={self.rate}"
