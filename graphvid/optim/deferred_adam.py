"""Adam for large tables of which a step reads few rows: the other rows take their steps when they are next read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from graphvid._checks import check_ids, check_mapping, check_number, check_tensor, shown
from graphvid.optim import _kernels
from graphvid.optim._missed_steps import missed_rates, powers, ratio, tails


class DeferredAdam(Optimizer):
    r"""Adam that applies the steps of a row without a gradient later, when the row is next read.

    Adam moves every row of a table in every step, also rows with a zero gradient, because of their momentum. After step s,
    the steps s + 1, ..., s + k without a gradient move a weight :math:`w` by

    .. math:: -\eta \sum_{i=1}^{k} \frac{\beta_1^i m_s / (1 - \beta_1^{s+i})}
        {\sqrt{\beta_2^i v_s / (1 - \beta_2^{s+i})} + \epsilon}
        \approx -\eta \, \frac{m_s}{\sqrt{v_s} + \epsilon'_s} \sum_{i=1}^{k}
        \left(\frac{\beta_1}{\sqrt{\beta_2}}\right)^{i} \frac{\sqrt{1 - \beta_2^{s+i}}}{1 - \beta_1^{s+i}}

    with :math:`\epsilon'_s = \epsilon \sqrt{1 - \beta_2^{s+1}}`. The sum depends only on s and k. So a step costs time for
    the rows that it reads, not for the table, if `catch_up` updates the rows before they are read.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them, as for `torch.optim.Adam`. Those with a sparse gradient, which must be
        two-dimensional and float32 (``torch.nn.functional.embedding`` with ``sparse=True``), are deferred; the others
        take Adam's step.
    lr : float, default 1e-3
        Learning rate :math:`\eta` > 0. When it is changed, rows still take their missed steps with the old one.
    betas : (float, float), default (0.9, 0.999)
        Decay of the means of gradients and of their squares, in [0, 1), with :math:`\beta_1 < \sqrt{\beta_2}`.
    eps : float, default 1e-8
        Added to the root, > 0.
    weight_decay : float, default 0.0
        L2 penalty, >= 0: added to the gradient as ``weight_decay * weight``, as in `torch.optim.Adam`.

    Raises
    ------
    ValueError
        A number is out of its range.

    Notes
    -----
    Differences from `torch.optim.Adam`, besides rounding: :math:`\epsilon` is constant over missed steps, which matters only
    for weights whose :math:`\sqrt{v}` is near it. The penalties that a row misses are summed and added to the next gradient,
    with the current weight of the row. Without a penalty, results agree to about 1e-6 of the weight.

    O(rows read * dim) time a step. Memory: two tables as large as the parameter, as Adam, and 8 bytes a row.

    References
    ----------
    Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1.

    Examples
    --------
    >>> table = torch.nn.Parameter(torch.ones(1000, 2))
    >>> optimizer = DeferredAdam([table], lr=0.1)
    >>> for rows in torch.tensor([[3, 5], [3, 8]]):
    ...     optimizer.catch_up(table, rows)
    ...     torch.nn.functional.embedding(rows, table, sparse=True).sum().backward()
    ...     optimizer.step()
    ...     optimizer.zero_grad()
    >>> optimizer.catch_up_all()
    >>> [round(x, 2) for x in table[[3, 5, 8, 9], 0].tolist()]  # row 5 went on by its momentum
    [0.8, 0.83, 0.93, 1.0]
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:  # Any: parameters or dictionaries, checked by PyTorch
        check_number("lr", lr, "a finite number > 0", least=5e-324)
        if not isinstance(betas, (tuple, list)) or len(betas) != 2:
            raise ValueError(f"betas must be two numbers in [0, 1), got {shown(betas)}")
        for beta in betas:
            check_number("betas", beta, "two numbers in [0, 1)", least=0, most=1)
        if not (0 <= betas[0] < 1 and 0 <= betas[1] < 1 and betas[0] < math.sqrt(betas[1])):
            raise ValueError(f"betas must be in [0, 1), the first below the root of the second, got {betas!r}")
        check_number("eps", eps, "a finite number > 0", least=5e-324)
        check_number("weight_decay", weight_decay, "a finite number >= 0", least=0)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # Any: what the closure returns
        """Take a step: for rows with a gradient now, for the other rows of their tables when they are next read.

        Raises
        ------
        RuntimeError
            A row with a gradient was read without `catch_up`.
        TypeError
            A sparse gradient of a parameter that is not two-dimensional and float32.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self._state(parameter, group)
                if "caught_up" in state:
                    self._settle_rate(parameter, state, group)
                    state["step"] += 1
                    _step_rows(parameter, state, group)
                else:
                    state["step"] += 1
                    _step_all(parameter, state, group)
        return loss

    @torch.no_grad()
    def catch_up(self, parameter: Tensor, rows: Tensor) -> None:
        """Apply the missed steps of some rows of a parameter; call it before the rows are read.

        Parameters
        ----------
        parameter : Tensor
            One of the optimiser's.
        rows : Tensor of int64, shape (num_rows,)
            Distinct rows of the parameter.

        Raises
        ------
        KeyError
            The parameter is not one of the optimiser's.
        TypeError, ValueError
            When ``rows`` are not a list of integers in [0, num_rows of the parameter), on its device.
        """
        check_tensor("parameter", parameter)
        group = next((g for g in self.param_groups if any(p is parameter for p in g["params"])), None)
        if group is None:
            raise KeyError(f"parameter of shape {tuple(parameter.shape)} is not one of the optimiser's")
        check_ids("rows", rows, len(parameter) if parameter.dim() else 0)
        if rows.dim() != 1 or rows.device != parameter.device:
            raise ValueError(f"rows must be 1-D on {parameter.device}, got shape {tuple(rows.shape)} on {rows.device}")
        if not self._is_deferred(parameter):
            return
        state = self.state[parameter]
        self._settle_rate(parameter, state, group)
        _catch_up(parameter, state, group, rows)

    @torch.no_grad()
    def catch_up_all(self) -> None:
        """Apply the missed steps of all rows of all parameters; call it before a whole table is read."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if self._is_deferred(parameter):
                    _catch_up(parameter, self.state[parameter], group, None)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:  # Any: what `state_dict` gives
        """Load the state of an earlier optimiser; see `torch.optim.Optimizer.load_state_dict`."""
        check_mapping("state_dict", state_dict)
        parameters = [p for group in self.param_groups for p in group["params"]]
        for index, given in state_dict.get("state", {}).items():
            if index in range(len(parameters)):
                _check_state(f"state_dict['state'][{index!r}]", given, parameters[index])
        super().load_state_dict(state_dict)
        for index, given in state_dict["state"].items():
            for name in ("caught_up", "penalised"):  # PyTorch has made them floats
                if name in given:
                    parameter = parameters[int(index)]
                    self.state[parameter][name] = given[name].to(parameter.device, torch.int64, copy=True)

    def _is_deferred(self, parameter: Tensor) -> bool:
        return "caught_up" in self.state.get(parameter, ())

    def _settle_rate(self, parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Apply the missed steps with the old learning rate before a new one holds."""
        if state["lr"] != group["lr"]:
            _catch_up(parameter, state, group, None)
            state["lr"] = group["lr"]

    def _state(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:  # Any: tensors and numbers
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
            if parameter.grad is not None and parameter.grad.is_sparse:
                if parameter.dim() != 2 or parameter.dtype != torch.float32:
                    raise TypeError(
                        f"a parameter with a sparse gradient must be 2-D and float32, got {parameter.dim()}-D "
                        f"{parameter.dtype}"
                    )
                state["lr"] = group["lr"]
                state["caught_up"] = torch.zeros(len(parameter), dtype=torch.int64, device=parameter.device)
                state["penalised"] = torch.zeros(len(parameter), dtype=torch.int64, device=parameter.device)
        return state


def _check_state(name: str, given: dict[str, Any], parameter: Tensor) -> None:
    """Raise unless the tables have the shape of the parameter and the steps of rows one value for each row."""
    for entry, shape in (
        ("mean", parameter.shape),
        ("square", parameter.shape),
        ("caught_up", parameter.shape[:1]),
        ("penalised", parameter.shape[:1]),
    ):
        if entry in given:
            check_tensor(f"{name}[{entry!r}]", given[entry])
            if given[entry].shape != shape:
                raise ValueError(f"{name}[{entry!r}] must have shape {tuple(shape)}, got {tuple(given[entry].shape)}")


def coalesce(gradient: Tensor) -> Tensor:
    """Return a sparse gradient by rows with every row once, without a copy if possible."""
    rows = gradient._indices()[0]
    if bool((rows[1:] > rows[:-1]).all()):
        return gradient._coalesced_(True)
    return gradient.coalesce()


def _catch_up(parameter: Tensor, state: dict[str, Any], group: dict[str, Any], rows: Tensor | None) -> None:
    now, (beta1, beta2) = state["step"], group["betas"]
    tables = parameter, state["mean"], state["square"]
    if _has_kernels(parameter):
        rows = torch.arange(len(parameter)) if rows is None else rows
        bases = ratio(beta1, beta2), beta1, beta2
        series = powers(beta1, beta2).numpy(), tails(beta1, beta2).numpy()
        arrays = _arrays(state["caught_up"], *tables)
        _kernels.catch_up_rows(rows.numpy(), now, state["lr"], bases, *series, group["eps"], *arrays)
        return
    last = state["caught_up"] if rows is None else state["caught_up"][rows]
    late = torch.nonzero(last < now).squeeze(1)
    rows = late if rows is None else rows[late]
    last = last[late]
    missed = (now - last).double()
    factors = state["lr"] * missed_rates(last, missed, beta1, beta2)
    epsilons = group["eps"] * torch.sqrt(1 - beta2 ** (last + 1).double())
    mean, square = tables[1][rows], tables[2][rows]
    parameter[rows] -= factors.float()[:, None] * mean / (square.sqrt() + epsilons.float()[:, None])
    tables[1][rows], tables[2][rows] = (
        mean * (beta1**missed).float()[:, None],
        square * (beta2**missed).float()[:, None],
    )
    state["caught_up"][rows] = now


def _step_rows(parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    assert parameter.grad is not None
    gradient = coalesce(parameter.grad)
    rows, values = gradient.indices()[0], gradient.values()
    now, (beta1, beta2) = state["step"], group["betas"]
    tables = parameter, state["mean"], state["square"]
    rate, root = group["lr"] / (1 - beta1**now), math.sqrt(1 - beta2**now)
    if _has_kernels(parameter):
        kept = tuple(np.float32(x) for x in (beta1, beta2, 1 - beta1, 1 - beta2))
        numbers = (np.float32(x) for x in (rate, root, group["eps"]))
        arrays = _arrays(state["caught_up"], state["penalised"], *tables)
        late = _kernels.step_rows(*_arrays(rows, values), now, group["weight_decay"], kept, *numbers, *arrays)
        _check_caught_up(late)
        return
    late = rows[state["caught_up"][rows] != now - 1]
    _check_caught_up(int(late[0]) if len(late) else -1)
    values = values + group["weight_decay"] * (now - state["penalised"][rows]).float()[:, None] * parameter[rows]
    mean = tables[1][rows].lerp(values, 1 - beta1)
    square = beta2 * tables[2][rows] + (1 - beta2) * values * values
    tables[1][rows], tables[2][rows] = mean, square
    parameter[rows] -= rate * mean / (square.sqrt() / root + group["eps"])
    state["caught_up"][rows] = now
    state["penalised"][rows] = now


def _check_caught_up(late: int) -> None:
    if late >= 0:
        raise RuntimeError(f"row {late} was read without catch_up(parameter, rows) before")


def _has_kernels(parameter: Tensor) -> bool:
    return parameter.device.type == "cpu"


def _step_all(parameter: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
    assert parameter.grad is not None
    beta1, beta2 = group["betas"]
    gradient, now = parameter.grad, state["step"]
    if group["weight_decay"]:
        gradient = gradient + group["weight_decay"] * parameter
    state["mean"].lerp_(gradient, 1 - beta1)
    state["square"].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
    root = (state["square"].sqrt() / math.sqrt(1 - beta2**now)).add_(group["eps"])
    parameter.addcdiv_(state["mean"], root, value=-group["lr"] / (1 - beta1**now))


def _arrays(*tensors: Tensor) -> list[Any]:  # Any: NumPy arrays
    return [x.detach().numpy() for x in tensors]
