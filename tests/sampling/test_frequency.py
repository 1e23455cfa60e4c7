"""StreamingFrequency against counts, the recursion in loops, and streams with a known distribution."""

from __future__ import annotations

import copy
import math

import pytest
import torch

from graphvid.sampling import StreamingFrequency


def stream(weights: list[float], number: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(torch.tensor(weights), number, replacement=True, generator=generator)


WEIGHTS = [0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02]


@pytest.mark.parametrize("batch_size", [7, 64, 5000])
def test_equal_weights_are_counts_up_to_the_last_occurrence(batch_size):
    items = stream(WEIGHTS, 3000)
    frequency = StreamingFrequency(8, rate=1e-6)
    for part in items.split(batch_size):
        frequency.update(part)
    for item in range(8):
        places = (items == item).nonzero().squeeze(1)
        assert float(frequency.log_q(torch.tensor(item)).exp()) == pytest.approx(
            len(places) / (int(places[-1]) + 1), rel=1e-4
        )


def test_stationary_stream_against_its_distribution():
    """The standard deviation of log q is about sqrt(.01 / 2) = 7%."""
    frequency = StreamingFrequency(8, rate=0.01)
    errors = []
    for part in stream(WEIGHTS, 400_000).split(4000):
        frequency.update(part)
        if int(frequency.num_draws) > 100_000:
            errors.append(frequency.log_q(torch.arange(8)) - torch.tensor(WEIGHTS).log())
    errors = torch.stack(errors)
    assert errors.mean(dim=0).abs().max() < 0.05
    assert errors.std(dim=0).max() < 0.12
    assert errors.std() > 0.03


@pytest.mark.parametrize("rate", [0.05, 0.3, 1.0])
def test_one_draw_at_a_time_is_the_recursion(rate):
    items = stream(WEIGHTS, 500, seed=1)
    frequency = StreamingFrequency(8, rate=rate)
    last, gap, count = [-1] * 8, [0.0] * 8, [0] * 8
    for t, item in enumerate(items.tolist()):
        frequency.update(torch.tensor([item]))
        count[item] += 1
        a = max(rate, 1 / count[item])
        gap[item] = (1 - a) * gap[item] + a * (t - last[item])
        last[item] = t
    expected = [-math.log(x) for x in gap]
    assert frequency.log_q(torch.arange(8)).tolist() == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_batches_are_close_to_single_draws():
    items = stream(WEIGHTS, 2000)
    single, batched = StreamingFrequency(8, rate=0.02), StreamingFrequency(8, rate=0.02)
    for part in items.split(1):
        single.update(part)
    for part in items.split(50):
        batched.update(part)
    difference = single.log_q(torch.arange(8)) - batched.log_q(torch.arange(8))
    assert 0 < difference.abs().max() < 0.05


def test_a_change_is_followed():
    frequency = StreamingFrequency(2, rate=0.02)
    for part in stream([0.9, 0.1], 20_000).split(500):
        frequency.update(part)
    before = frequency.log_q(torch.tensor([0, 1])).exp()
    for part in stream([0.1, 0.9], 20_000, seed=1).split(500):
        frequency.update(part)
    after = frequency.log_q(torch.tensor([0, 1])).exp()
    torch.testing.assert_close(before, torch.tensor([0.9, 0.1]), rtol=0.3, atol=0)
    torch.testing.assert_close(after, torch.tensor([0.1, 0.9]), rtol=0.3, atol=0)


def test_order_of_other_items_in_a_batch_and_int32_change_nothing():
    first, second = StreamingFrequency(5), StreamingFrequency(5)
    first.update(torch.tensor([3, 0, 3, 1]))
    second.update(torch.tensor([3, 1, 3, 0], dtype=torch.int32))
    assert float(first.log_q(torch.tensor(3))) == float(second.log_q(torch.tensor(3))) == pytest.approx(math.log(2 / 3))


def test_state_goes_to_another_estimate():
    parts = stream(WEIGHTS, 2000).split(64)
    frequency = StreamingFrequency(8)
    for part in parts[:20]:
        frequency.update(part)
    other = StreamingFrequency(8)
    other.update(parts[5])
    other.load_state_dict(copy.deepcopy(frequency.state_dict()))
    for part in parts[20:]:
        frequency.update(part)
        other.update(part)
    assert torch.equal(frequency.log_q(torch.arange(8)), other.log_q(torch.arange(8)))
    with pytest.raises(RuntimeError, match="size mismatch for gap"):
        StreamingFrequency(9).load_state_dict(frequency.state_dict())


def test_evaluation_mode_and_empty_batches_change_nothing():
    frequency = StreamingFrequency(8)
    frequency.update(torch.tensor([1, 2]))
    before = copy.deepcopy(frequency.state_dict())
    frequency.update(torch.empty(0, dtype=torch.int64))
    frequency.eval()
    frequency.update(torch.tensor([3]))
    assert all(torch.equal(before[name], value) for name, value in frequency.state_dict().items())


def test_shape_of_log_q():
    frequency = StreamingFrequency(3)
    frequency.update(torch.tensor([0, 1]))
    log_q = frequency.log_q(torch.tensor([[0, 1, 0], [1, 1, 0]]))
    assert log_q.shape == (2, 3)
    assert log_q.dtype == torch.float32
    assert frequency.log_q(torch.empty(0, dtype=torch.int64)).shape == (0,)


def test_an_item_never_drawn_has_no_estimate():
    frequency = StreamingFrequency(3)
    frequency.update(torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="items must have been drawn before, item 2 was not"):
        frequency.log_q(torch.tensor([0, 2]))


@pytest.mark.parametrize("method", ["update", "log_q"])
@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        (torch.tensor([3]), ValueError, r"items must lie in \[0, 3\), got 3 to 3"),
        (torch.tensor([-1]), ValueError, r"items must lie in \[0, 3\), got -1 to -1"),
        (torch.tensor([0.0]), TypeError, "items must be an integer tensor"),
    ],
)
def test_bad_items(method, items, error, message):
    with pytest.raises(error, match=message):
        getattr(StreamingFrequency(3), method)(items)


def test_a_batch_has_one_dimension():
    with pytest.raises(ValueError, match=r"items must have shape \(batch,\), got \(1, 2\)"):
        StreamingFrequency(3).update(torch.tensor([[0, 1]]))


@pytest.mark.parametrize("rate", [0, 0.0, -0.1, 1.1, math.nan, None, True])
def test_bad_rate(rate):
    with pytest.raises(ValueError, match=r"rate must be a float in \(0, 1\], got"):
        StreamingFrequency(3, rate)


def test_bad_number_of_items():
    with pytest.raises(ValueError, match="num_items must be an integer >= 1, got 0"):
        StreamingFrequency(0)


def test_repr_names_the_settings():
    assert repr(StreamingFrequency(3)) == "StreamingFrequency(num_items=3, rate=0.01)"
