"""Histories as vectors: weights by hand, gradients, and bad input; the models' tests compare all aggregators with loops."""

from __future__ import annotations

import pytest
import torch

from graphvid.nn import UserHistory
from graphvid.ops import Adjacency

HISTORIES = Adjacency.from_rows(torch.tensor([0, 2, 2, 3]), torch.tensor([0, 2, 2]), num_src=3)  # user 1 took nothing


def _plain(aggregator, **options):
    layer = UserHistory(2, aggregator, **options)
    with torch.no_grad():
        layer.project.weight.copy_(torch.eye(2))
        if layer.key is not None:
            layer.key.weight.copy_(torch.eye(2))
    return layer


def test_user_attention_by_hand() -> None:
    items = torch.tensor([[0.0, 0.0], [9.0, 9.0], [1.0, 0.0]])
    users = torch.tensor([[2.0, 0.0], [1.0, 1.0], [0.0, 3.0]])
    found = _plain("user_attention")(HISTORIES, items, users)
    weight = torch.exp(2 * torch.tanh(torch.tensor(1.0)))
    expected = torch.stack([items[2] * weight / (1 + weight), torch.zeros(2), items[2]])
    torch.testing.assert_close(found, expected)


def test_padding_draws_short_histories_towards_zero() -> None:
    items, users = torch.tensor([[0.0, 1.0]] * 3), torch.zeros(3, 2)
    found = _plain("user_attention", padded_length=4)(HISTORIES, items, users)
    torch.testing.assert_close(found[:, 1], torch.tensor([2 / 4, 0.0, 1 / 4]))
    with pytest.raises(ValueError, match="padded_length must be at least the longest history, 2 items, got 1"):
        _plain("user_attention", padded_length=1)(HISTORIES, items, users)


@pytest.mark.parametrize("aggregator", ["mean", "self_attention", "user_attention"])
def test_gradients(aggregator) -> None:
    layer = UserHistory(2, aggregator).double()
    items = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    users = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    inputs = (items, users) if aggregator == "user_attention" else (items,)
    assert torch.autograd.gradcheck(lambda *x: layer(HISTORIES, *x), inputs)


def test_order_of_the_history_does_not_matter() -> None:
    layer = UserHistory(2, "self_attention")
    items = torch.randn(3, 2, generator=torch.Generator().manual_seed(0))
    turned = Adjacency.from_rows(torch.tensor([0, 2, 2, 3]), torch.tensor([2, 0, 2]), num_src=3)
    torch.testing.assert_close(layer(HISTORIES, items), layer(turned, items))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "dim must be an integer >= 1, got 0"),
        ({"dim": 2, "aggregator": "sum"}, "aggregator must be one of .*, got 'sum'"),
        ({"dim": 2, "padded_length": 3}, "padded_length must be None with aggregator 'mean'"),
        ({"dim": 2, "aggregator": "self_attention", "padded_length": 0}, "padded_length must be an integer >= 1"),
    ],
)
def test_bad_options(options, message) -> None:
    with pytest.raises(ValueError, match=message):
        UserHistory(**options)


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="users must be given with aggregator 'user_attention' and with no other"):
        UserHistory(2)(HISTORIES, torch.zeros(3, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match=r"users must be given .* users absent"):
        UserHistory(2, "user_attention")(HISTORIES, torch.zeros(3, 2))
    with pytest.raises(ValueError, match=r"items must have shape .* \(3, 2\), got \(4, 2\)"):
        UserHistory(2)(HISTORIES, torch.zeros(4, 2))
    with pytest.raises(ValueError, match=r"users must have shape .* \(3, 2\), got \(2, 2\)"):
        UserHistory(2, "user_attention")(HISTORIES, torch.zeros(3, 2), torch.zeros(2, 2))
