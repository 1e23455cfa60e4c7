"""Lists of unequal length against `torch.nn.GRU` one by one, and attention against a loop."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from graphvid.nn import CheckInEmbedding, InterestAttention, RaggedGRU
from graphvid.ops import Adjacency


def make(lengths, num_elements=6, input_dim=3, dim=4, dtype=torch.float64):
    torch.manual_seed(0)
    layer = RaggedGRU(input_dim, dim).to(dtype)
    x = torch.randn(num_elements, input_dim, dtype=dtype, requires_grad=True)
    indptr = torch.tensor([0, *torch.tensor(lengths).cumsum(0).tolist()]) if lengths else torch.tensor([0])
    rows = torch.randint(0, num_elements, (int(indptr[-1]),))
    return layer, x, indptr, rows


def one_by_one(layer, x, indptr, rows):
    gru = nn.GRU(layer.input_dim, layer.dim, batch_first=True).to(x.dtype)
    gru.weight_ih_l0, gru.bias_ih_l0 = layer.project.weight, layer.project.bias
    gru.weight_hh_l0, gru.bias_hh_l0 = layer.recur.weight, layer.recur.bias
    states = [x.new_zeros(layer.dim)] * (len(indptr) - 1)
    for i, (start, stop) in enumerate(itertools.pairwise(indptr)):
        if stop > start:
            states[i] = gru(x[rows[start:stop]][None])[1][0, 0]
    return torch.stack(states)


@pytest.mark.parametrize("lengths", [[3, 0, 5, 1], [1], [0, 0, 2], [7, 7], [0, 0]])
def test_states_and_gradients_are_those_of_torch(lengths):
    layer, x, indptr, rows = make(lengths)
    found, wanted = layer(x, indptr, rows), one_by_one(layer, x, indptr, rows)
    torch.testing.assert_close(found, wanted)
    if found.requires_grad:
        weight = torch.randn_like(found)
        parameters = [x, *layer.parameters()]
        grads = torch.autograd.grad((found * weight).sum(), parameters)
        for mine, theirs in zip(grads, torch.autograd.grad((wanted * weight).sum(), parameters)):
            torch.testing.assert_close(mine, theirs)


def test_gradients_in_double_precision():
    layer, x, indptr, rows = make([2, 0, 3])
    names = list(dict(layer.named_parameters()))

    def run(x, *values):
        return torch.func.functional_call(layer, dict(zip(names, values)), (x, indptr, rows))

    assert torch.autograd.gradcheck(run, (x, *(p.detach().requires_grad_() for p in layer.parameters())))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_order_of_lists_changes_nothing_else(lengths, random):
    layer, x, indptr, rows = make(lengths)
    order = random.sample(range(len(lengths)), len(lengths))
    parts = [rows[indptr[i] : indptr[i + 1]] for i in order]
    turned = torch.tensor([0, *torch.tensor([lengths[i] for i in order]).cumsum(0).tolist()])
    torch.testing.assert_close(layer(x, turned, torch.cat(parts)), layer(x, indptr, rows)[order])


def test_refused_inputs():
    layer, x, indptr, rows = make([2])
    with pytest.raises(ValueError, match="x must have shape"):
        layer(x[:, :2], indptr, rows)
    with pytest.raises(ValueError, match="dim must be an integer >= 1"):
        RaggedGRU(3, 0)


def test_attention_is_a_loop_over_requests():
    torch.manual_seed(0)
    layer = InterestAttention(4, 3).double()
    layer.default.data.normal_()
    indptr, source = torch.tensor([0, 2, 2, 5]), torch.tensor([1, 3, 0, 1, 2])
    states, context = torch.randn(4, 4, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    found = layer(Adjacency.from_rows(indptr, source, num_src=4), states, context)
    for request, (start, stop) in enumerate(itertools.pairwise(indptr)):
        mine = states[source[start:stop]]
        if not len(mine):
            torch.testing.assert_close(found.states[request], layer.default)
            continue
        weights = torch.softmax(
            torch.tanh(layer.of_interest(mine) + layer.of_context(context[request])) @ layer.score, 0
        )
        torch.testing.assert_close(found.weights[start:stop], weights)
        torch.testing.assert_close(found.states[request], weights @ mine)


def test_attention_over_no_edges_at_all():
    layer = InterestAttention(4, 3)
    found = layer(
        Adjacency.from_rows(torch.tensor([0, 0]), torch.tensor([], dtype=torch.long), num_src=0),
        torch.zeros(0, 4),
        torch.zeros(1, 3),
    )
    assert found.states.shape == (1, 4)
    assert found.weights.shape == (0,)


def test_unknown_parts_of_a_check_in_are_zeros():
    layer = CheckInEmbedding(num_pois=3, num_areas=2, num_hours=24, dim=4)
    none = torch.tensor([-1])
    alone = layer(torch.tensor([3]), none, none, none)
    wanted = layer.project(torch.cat([layer.poi.weight[3:4], torch.zeros(1, 12)], dim=1))
    torch.testing.assert_close(alone, wanted)
