"""A GRU over ragged lists that may share their elements."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from graphvid.nn._shapes import check_shape, check_width


class RaggedGRU(nn.Module):
    r"""Run a GRU along lists of rows and return its last state of each, zeros for an empty list.

    .. math:: r = \sigma(W_r x + U_r h + b_r), \quad z = \sigma(W_z x + U_z h + b_z), \quad
        n = \tanh(W_n x + b_n + r \odot (U_n h + c_n)), \quad h' = (1 - z) \odot n + z \odot h

    Parameters
    ----------
    input_dim, dim : int
        Columns of the elements and of the states, at least 1.

    Attributes
    ----------
    project : Linear
        :math:`W` and its bias, rows in the order r, z, n, as in `torch.nn.GRU`.
    recur : Linear
        :math:`U` and its bias.

    Notes
    -----
    The projection of an element is computed once, also if several lists have it, and no list is padded: the longest lists take
    their steps together, and shorter ones start later. O(num_elements * input_dim * dim + total length * dim ** 2) time.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder for statistical machine translation", EMNLP
    2014; the form of `torch.nn.GRU`.

    Examples
    --------
    >>> layer = RaggedGRU(3, 4)
    >>> states = layer(torch.ones(2, 3), torch.tensor([0, 2, 2, 3]), torch.tensor([0, 1, 1]))
    >>> states.shape, states[1].tolist()
    (torch.Size([3, 4]), [0.0, 0.0, 0.0, 0.0])
    """

    def __init__(self, input_dim: int, dim: int) -> None:
        super().__init__()
        check_width("input_dim", input_dim)
        self.input_dim, self.dim = input_dim, check_width("dim", dim)
        self.project = nn.Linear(input_dim, 3 * dim)
        self.recur = nn.Linear(dim, 3 * dim)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights uniformly up to the root of 1 / dim, as `torch.nn.GRU` does."""
        bound = self.dim**-0.5
        for weight in self.parameters():
            nn.init.uniform_(weight, -bound, bound)

    def forward(self, x: Tensor, indptr: Tensor, rows: Tensor) -> Tensor:
        """Compute the last states.

        Parameters
        ----------
        x : Tensor, shape (num_elements, input_dim)
            The elements of all lists.
        indptr : Tensor of int64, shape (num_lists + 1,)
            Start of each list in ``rows``.
        rows : Tensor of int64, shape (total length,)
            Rows of ``x``, oldest first.

        Returns
        -------
        Tensor, shape (num_lists, dim)
        """
        check_shape("x", x, (len(x), self.input_dim), "(num_elements, input_dim)")
        lengths = indptr.diff()
        if not len(rows):
            return x.new_zeros(len(lengths), self.dim)
        order = torch.argsort(lengths, descending=True, stable=True)
        counts = torch.bincount(lengths)[1:].flip(0).cumsum(0).flip(0)  # lists of at least 1, 2, ... elements
        filled = order[: int(counts[0])]
        step = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
        rank = torch.arange(len(rows), device=counts.device) - (counts.cumsum(0) - counts)[step]
        packed = rows[indptr[filled[rank]] + step]  # the first elements of all lists, the second, ...
        states: Tensor = _Recurrence.apply(  # type: ignore[no-untyped-call]  # torch leaves it untyped
            self.project(x), packed, counts.tolist(), self.recur.weight, self.recur.bias
        )
        return x.new_zeros(len(lengths), self.dim).index_copy(0, filled, states)

    def extra_repr(self) -> str:
        """Return the sizes for ``repr``."""
        return f"{self.input_dim}, {self.dim}"


class _Recurrence(torch.autograd.Function):
    """The steps of a GRU over packed rows; computations without the previous state run for all steps at once."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, packed: Tensor, counts: list[int], weight: Tensor, bias: Tensor) -> Tensor:
        dim = weight.shape[1]
        state = gates.new_zeros(counts[0], dim)
        given = gates.index_select(0, packed)  # (total length, 3 * dim): becomes r, z and n
        before, hidden = gates.new_empty(2, len(packed), dim)  # h, and U_n h + c_n
        both, new = given[:, : 2 * dim], given[:, 2 * dim :]
        turned, start = weight.t(), 0
        for count in counts:
            here = slice(start, start + count)
            old = state[:count]
            before[here] = old
            recurred = torch.addmm(bias, old, turned)
            hidden[here] = recurred[:, 2 * dim :]
            switches = both[here].add_(recurred[:, : 2 * dim]).sigmoid_()
            fresh = new[here].addcmul_(switches[:, :dim], recurred[:, 2 * dim :]).tanh_()
            torch.lerp(fresh, old, switches[:, dim:], out=old)
            start += count
        ctx.save_for_backward(packed, weight, given, before, hidden)
        ctx.counts, ctx.num_rows = counts, len(gates)
        return state

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        packed, weight, given, before, hidden = ctx.saved_tensors
        dim, stop = weight.shape[1], len(packed)
        reset, update, new = given.view(-1, 3, dim).unbind(1)
        factors = torch.empty_like(given).view(-1, 3, dim)  # of the state's gradient, for what U h is added to
        of_new = (1 - update) * (1 - new * new)
        torch.mul(of_new, reset, out=factors[:, 2])
        torch.mul(factors[:, 2] * hidden, 1 - reset, out=factors[:, 0])
        torch.mul((before - new) * update, 1 - update, out=factors[:, 1])
        grad, of_state = grad.clone(), torch.empty_like(before)
        of_recurred = torch.empty_like(given)
        for count in reversed(ctx.counts):
            here, stop = slice(stop - count, stop), stop - count
            g = grad[:count]
            of_state[here] = g
            torch.mul(factors[here], g[:, None], out=of_recurred[here].view(-1, 3, dim))
            torch.addmm(g * update[here], of_recurred[here], weight, out=g)
        of_gates = of_recurred.clone()
        torch.mul(of_new, of_state, out=of_gates[:, 2 * dim :])
        gates = given.new_zeros(ctx.num_rows, 3 * dim).index_add_(0, packed, of_gates)
        return gates, None, None, of_recurred.t() @ before, of_recurred.sum(0)
