"""Sparse rows in linear layers and encoders, against the dense form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from graphvid.nn import VideoEncoder, standardized_linear
from graphvid.nn.feature_rows import concatenated, linear
from graphvid.ops import Adjacency


def rows_of(dense):
    csr = sparse.csr_array(dense.numpy())
    indptr, indices = (torch.from_numpy(x) for x in (csr.indptr, csr.indices))
    return Adjacency.from_rows(indptr, indices, num_src=dense.shape[1], weight=torch.from_numpy(csr.data))


def batch(num_rows=7, dim=9, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(num_rows, dim, generator=generator, dtype=dtype)
    x = x * (torch.rand(num_rows, dim, generator=generator) < 0.3)
    x[2] = 0  # a row of zeros
    x[:, 4] = 0  # a column of zeros
    return x


def test_a_linear_layer_and_its_gradients_equal_the_dense_ones():
    x, generator = batch(), torch.Generator().manual_seed(1)
    weight = torch.randn(5, 9, generator=generator, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(5, generator=generator, dtype=torch.float64, requires_grad=True)
    mean, scale = torch.randn(9, generator=generator, dtype=torch.float64), torch.rand(9, dtype=torch.float64) + 0.5
    pairs = [
        (linear(rows_of(x), weight, bias), linear(x, weight, bias)),
        (standardized_linear(rows_of(x), mean, scale, weight, bias), linear((x - mean) / scale, weight, bias)),
    ]
    for ours, dense in pairs:
        torch.testing.assert_close(ours, dense, rtol=1e-12, atol=1e-12)
        grads = [torch.autograd.grad(y.square().sum(), (weight, bias), retain_graph=True) for y in (ours, dense)]
        torch.testing.assert_close(*grads, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("fusion", ["early_concat", "late_product"])
@pytest.mark.parametrize("input_dropout", [0.0, 0.5])
def test_an_encoder_gives_the_same_of_sparse_and_dense_rows(fusion, input_dropout):
    encoder = VideoEncoder(
        {"words": 9, "image": 3}, fusion=fusion, hidden=(6,), dim=4, dropout=0.2, input_dropout=input_dropout
    ).eval()
    words, image = batch(dtype=torch.float32), torch.randn(7, 3, generator=torch.Generator().manual_seed(2))
    encoder.standardize["words"].set(torch.linspace(-1, 1, 9), torch.linspace(0.5, 2, 9))
    dense = encoder({"words": words, "image": image})
    for given in ({"words": rows_of(words), "image": image}, {"words": rows_of(words), "image": rows_of(image)}):
        torch.testing.assert_close(encoder(given), dense, rtol=1e-4, atol=1e-5)


def test_dropout_falls_on_stored_values_and_keeps_the_mean():
    x, weight = batch(num_rows=3, dim=9), torch.eye(9, dtype=torch.float64)
    mean, scale = torch.full((9,), 0.5, dtype=torch.float64), torch.ones(9, dtype=torch.float64)
    torch.manual_seed(0)
    draws = torch.stack([standardized_linear(rows_of(x), mean, scale, weight, dropout=0.25) for _ in range(3000)])
    assert set(((draws + mean) / torch.where(x != 0, x, 1))[:, x != 0].mul(3).round().unique().tolist()) == {0.0, 4.0}
    torch.testing.assert_close(draws[:, x == 0], torch.full_like(draws[:, x == 0], -0.5))
    torch.testing.assert_close(draws.mean(dim=0), x - 0.5, rtol=0, atol=0.1)


def test_bad_input_is_named():
    encoder = VideoEncoder({"words": 9}, hidden=(6,), dim=4)
    with pytest.raises(ValueError, match=r"features\['words'\] must have 9 columns, got 8"):
        encoder({"words": rows_of(batch(dim=8, dtype=torch.float32))})
    with pytest.raises(ValueError, match="x must have weights, which are the values of its rows, got none"):
        encoder({"words": rows_of(batch()).with_weight(None)})
    with pytest.raises(TypeError, match="weight and x must have one dtype"):
        encoder({"words": rows_of(batch())})


def test_training_on_sparse_rows_repeats_bit_for_bit():
    words = batch(num_rows=40, dtype=torch.float32)

    def weights():
        encoder = VideoEncoder({"words": 9}, hidden=(6,), dim=4, input_dropout=0.3)
        optimizer = torch.optim.Adam(encoder.parameters())
        torch.manual_seed(0)
        for _ in range(3):
            optimizer.zero_grad()
            encoder({"words": rows_of(words)})[:, 0].sum().backward()
            optimizer.step()
        return np.concatenate([x.detach().numpy().ravel() for x in encoder.parameters()])

    np.testing.assert_array_equal(weights(), weights())


def test_one_block_is_not_copied_and_several_stand_side_by_side():
    one, other = torch.ones(2, 3), torch.zeros(2, 1)
    assert concatenated([one]) is one
    assert torch.equal(concatenated([one, other]), torch.tensor([[1.0, 1.0, 1.0, 0.0]] * 2))
