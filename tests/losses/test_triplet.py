from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.reducers import AvgNonZeroReducer, MeanReducer, SumReducer

from graphvid.losses import TripletLoss, squared_distance


def unit(rows: int, dim: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return F.normalize(torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed), dtype=dtype), dim=1)


def test_by_hand():
    a = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    p = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    n = torch.tensor([[0.8, 0.6], [-1.0, 0.0], [1.0, 0.0]])
    # d(a, p) = 0, 2, 2 and d(a, n) = 0.4, 4, 0
    torch.testing.assert_close(squared_distance(a, n), torch.tensor([0.4, 4.0, 0.0]))
    torch.testing.assert_close(TripletLoss(reduction="none")(a, p, n), torch.tensor([0.1, 0.0, 2.5]))
    for reduction, expected in (("sum", 2.6), ("mean", 2.6 / 3), ("mean_nonzero", 1.3)):
        torch.testing.assert_close(TripletLoss(reduction=reduction)(a, p, n), torch.tensor(expected))


@pytest.mark.parametrize("margin", [0.0, 0.5, 3.0])
@pytest.mark.parametrize(
    ("reduction", "reducer"), [("mean", MeanReducer), ("sum", SumReducer), ("mean_nonzero", AvgNonZeroReducer)]
)
def test_equals_pytorch_metric_learning(margin, reduction, reducer):
    embeddings = unit(30, 8, seed=0)
    triplets = tuple(torch.randint(0, 30, (50,), generator=torch.Generator().manual_seed(k)) for k in range(3))
    distance = LpDistance(power=2, normalize_embeddings=False)
    oracle = TripletMarginLoss(margin=margin, distance=distance, reducer=reducer())
    expected = oracle(embeddings, indices_tuple=triplets)
    ours = TripletLoss(margin, reduction)
    torch.testing.assert_close(ours(embeddings, embeddings, embeddings, triplets), expected)
    torch.testing.assert_close(ours(*(embeddings[rows] for rows in triplets)), expected)


@pytest.mark.parametrize("reduction", ["mean", "sum", "mean_nonzero", "none"])
def test_gradient(reduction):
    inputs = [unit(6, 4, seed=k).requires_grad_() for k in range(3)]
    assert torch.autograd.gradcheck(TripletLoss(0.5, reduction), inputs)


@pytest.mark.parametrize("reduction", ["mean", "sum", "mean_nonzero"])
def test_empty_selection_is_a_connected_zero(reduction):
    inputs = [unit(4, 3, seed=k).requires_grad_() for k in range(3)]
    none = torch.empty(0, dtype=torch.int64)
    loss = TripletLoss(reduction=reduction)(*inputs, (none, none, none))
    assert loss.item() == 0
    loss.backward()
    assert all(x.grad is not None and not x.grad.any() for x in inputs)


def test_all_satisfied_is_a_connected_zero():
    a = torch.tensor([[1.0, 0.0]], requires_grad=True)
    loss = TripletLoss(reduction="mean_nonzero")(a, a, -a)
    loss.backward()
    assert loss.item() == 0
    assert not a.grad.any()


@pytest.mark.parametrize("margin", [-0.2, float("nan"), float("inf"), True, "0.5"])
def test_bad_margin(margin):
    with pytest.raises(ValueError, match="margin must be a finite float >= 0, got"):
        TripletLoss(margin)


def test_bad_reduction():
    with pytest.raises(ValueError, match=r"reduction must be one of \['mean', .*\], got 'median'"):
        TripletLoss(reduction="median")


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(2, 3), (2, 3), (2, 4)], "2-D of one width"),
        ([(3,), (3,), (3,)], "2-D of one width"),
        ([(2, 3), (2, 3), (1, 3)], "equal rows, got shapes"),
    ],
)
def test_bad_shapes(shapes, message):
    with pytest.raises(ValueError, match=message):
        TripletLoss()(*(torch.zeros(shape) for shape in shapes))


def test_repr_names_the_settings():
    assert repr(TripletLoss(0.25, "sum")) == "TripletLoss(margin=0.25, reduction='sum')"
