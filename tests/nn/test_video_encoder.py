"""VideoEncoder against its equation written out, with its invariances and its errors."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from graphvid.nn import Standardize, VideoEncoder

DIMS = {"visual": 5, "audio": 3}


def features(rows: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(rows, dim, generator=generator) for name, dim in DIMS.items()}


def linear_relu_linear(tower: torch.nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    first, _, last = tower
    return torch.relu(x @ first.weight.T + first.bias) @ last.weight.T + last.bias


def test_late_product_multiplies_the_towers_and_normalises():
    encoder, x = VideoEncoder(DIMS, hidden=(7,), dim=6), features()
    encoder.standardize["audio"].set(torch.tensor([1.0, 0.0, -1.0]), torch.tensor([2.0, 1.0, 0.5]))
    audio = (x["audio"] - torch.tensor([1.0, 0.0, -1.0])) / torch.tensor([2.0, 1.0, 0.5])
    product = linear_relu_linear(encoder.towers["visual"], x["visual"]) * linear_relu_linear(
        encoder.towers["audio"], audio
    )
    torch.testing.assert_close(encoder(x), product / product.norm(dim=1, keepdim=True))


def test_early_concat_reads_the_modalities_side_by_side():
    encoder, x = VideoEncoder(DIMS, fusion="early_concat", hidden=(7,), dim=6), features()
    expected = linear_relu_linear(encoder.towers["all"], torch.cat([x["visual"], x["audio"]], dim=1))
    torch.testing.assert_close(encoder(x), F.normalize(expected, dim=1))


def test_the_default_is_the_published_size():
    shapes = [tuple(p.shape) for p in VideoEncoder({"visual": 1500}).parameters()]
    assert shapes == [(4000, 1500), (4000,), (256, 4000), (256,)]


@pytest.mark.parametrize("fusion", ["late_product", "early_concat"])
def test_rows_do_not_depend_on_their_batch(fusion):
    encoder, x = VideoEncoder(DIMS, fusion=fusion, hidden=(7,), dim=6), features(rows=9)
    halves = [encoder({name: part[rows] for name, part in x.items()}) for rows in (slice(0, 4), slice(4, 9))]
    torch.testing.assert_close(torch.cat(halves), encoder(x))


def test_initial_weights_are_a_function_of_the_seed_and_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    first, again, other = (VideoEncoder(DIMS, hidden=(7,), dim=6, seed=seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["towers.audio.0.weight"], other["towers.audio.0.weight"])


def test_dropout_acts_in_training_only():
    encoder = VideoEncoder(DIMS, hidden=(50,), dim=6, dropout=0.5, input_dropout=0.2)
    x = features()
    assert not torch.equal(encoder(x), encoder(x))
    encoder.eval()
    assert torch.equal(encoder(x), encoder(x))


def test_state_dict_carries_the_standardisation():
    encoder = VideoEncoder(DIMS, hidden=(7,), dim=6)
    encoder.standardize["visual"].set(torch.arange(5.0), torch.full((5,), 3.0))
    copy = VideoEncoder(DIMS, hidden=(7,), dim=6, seed=9)
    copy.load_state_dict(encoder.state_dict())
    assert torch.equal(copy(features()), encoder(features()))


def test_gradient():
    encoder = VideoEncoder(DIMS, hidden=(4,), dim=3).double()
    x = {name: part.double().requires_grad_() for name, part in features(rows=2).items()}
    assert torch.autograd.gradcheck(lambda a, v: encoder({"audio": a, "visual": v}), (x["audio"], x["visual"]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dims": {}}, "dims must name at least one modality, got none"),
        ({"dims": {"a": 0}}, r"dims\[.a.\] must be an integer >= 1, got 0"),
        ({"dims": DIMS, "hidden": (0,)}, r"hidden\[0\] must be an integer >= 1, got 0"),
        ({"dims": DIMS, "fusion": "sum"}, r"fusion must be one of \['late_product', 'early_concat'\], got 'sum'"),
        ({"dims": DIMS, "dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"dims": DIMS, "input_dropout": -0.1}, r"input_dropout must be in \[0, 1\), got -0.1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        VideoEncoder(**arguments)


def test_bad_features():
    encoder = VideoEncoder(DIMS, hidden=(4,), dim=3)
    with pytest.raises(KeyError, match="features must have the modalities"):
        encoder({"visual": torch.ones(1, 5)})
    with pytest.raises(ValueError, match=r"features\['audio'\] must have 3 columns, got 4"):
        encoder({"visual": torch.ones(1, 5), "audio": torch.ones(1, 4)})


@pytest.mark.parametrize("scale", [[1.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")]])
def test_standardize_refuses_a_scale_that_is_not_positive_and_finite(scale):
    with pytest.raises(ValueError, match="scale must be positive and finite"):
        Standardize(2).set(torch.zeros(2), torch.tensor(scale))


def test_standardize_refuses_another_shape():
    with pytest.raises(ValueError, match=r"mean must have shape \(2,\), got \(3,\)"):
        Standardize(2).set(torch.zeros(3), torch.ones(2))
