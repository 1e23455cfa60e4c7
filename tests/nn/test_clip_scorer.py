"""Scores of clips, against the MLP on concatenated vectors that they are defined by."""

from __future__ import annotations

import math
import re

import pytest
import torch

from graphvid._random import seeded
from graphvid.nn import ClipScorer

DIM, HIDDEN, NUM_USERS, NUM_VIDEOS, NUM_CLIPS = 4, 6, 5, 3, 7
USER, VIDEO = torch.tensor([0, 4, 4, 2, 0, 1]), torch.tensor([2, 0, 1, 1, 2, 0])


@pytest.fixture(autouse=True)
def _fixed_draws():
    with seeded(0):
        yield


def vectors(dtype=torch.float64):
    return (
        torch.randn(2, NUM_USERS, DIM, dtype=dtype, requires_grad=True),
        torch.randn(NUM_VIDEOS, NUM_CLIPS, DIM, dtype=dtype, requires_grad=True),
    )


def scorer(**options):
    made = ClipScorer(DIM, hidden=HIDDEN, **options).double()
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()  # the biases too, which start at 0
    return made


def plain(made, users, clips, pairs):
    """The definition, pair by pair and clip by clip."""
    rows = []
    for user, video in pairs:
        row = []
        for clip in clips[video]:
            scores = []
            for r, (first, second) in enumerate(zip(made.first, made.second)):
                parts = [users[r, user], clip]
                if made.interaction == "concat+hadamard":
                    parts.append(users[r, user] * clip)
                scores.append(second(torch.relu(first(torch.cat(parts)))).squeeze())
            if made.branches == "both":
                positive, negative = torch.log1p(made.raw_alpha.exp())
                row.append(positive * scores[0] - negative * scores[1] + made.bias)
            else:
                row.append(scores[0])
        rows.append(torch.stack(row))
    return torch.stack(rows)


@pytest.mark.parametrize("interaction", ["concat", "concat+hadamard"])
@pytest.mark.parametrize("branches", ["both", "positive"])
def test_equals_the_mlp_on_concatenated_vectors_with_its_gradients(interaction, branches):
    made, (users, clips) = scorer(interaction=interaction, branches=branches), vectors()
    found = made(users, clips, USER, VIDEO)
    expected = plain(made, users, clips, zip(USER.tolist(), VIDEO.tolist()))
    assert found.shape == (len(USER), NUM_CLIPS)
    torch.testing.assert_close(found, expected)
    inputs = (users, clips, *made.parameters())
    for ours, theirs in zip(*(torch.autograd.grad(x.square().sum(), inputs) for x in (found, expected))):
        torch.testing.assert_close(ours, theirs)


def test_the_positive_branch_does_not_read_the_negative_vector():
    users, clips = vectors()
    for branches, reads in (("positive", False), ("both", True)):
        made = scorer(branches=branches)
        before = made(users, clips, USER, VIDEO)
        changed = torch.stack([users[0], users[1] + 1])
        assert torch.equal(before, made(changed, clips, USER, VIDEO)) is not reads


def test_without_pairs_there_are_no_scores():
    users, clips = vectors()
    none = torch.empty(0, dtype=torch.int64)
    assert scorer()(users, clips, none, none).shape == (0, NUM_CLIPS)


def test_starting_values():
    made = ClipScorer(64, hidden=512)
    torch.testing.assert_close(torch.nn.functional.softplus(made.raw_alpha), torch.tensor([0.8, 0.2]))
    assert made.bias == 0
    for first, second in zip(made.first, made.second, strict=True):
        assert not first.bias.any()
        assert not second.bias.any()
        of_vectors, of_products = first.weight[:, :128], first.weight[:, 128:]
        assert of_vectors.std().item() == pytest.approx(0.1 * math.sqrt(2 / (512 + 192)), rel=0.15)
        assert torch.equal(of_products, of_products[:, :1].expand(512, 64))
        assert of_products[:, 0].std().item() == pytest.approx(1 / 8, rel=0.15)
        assert second.weight.std().item() == pytest.approx(math.sqrt(2 / 513), rel=0.15)
    plain = ClipScorer(64, hidden=512, interaction="concat").first[0].weight
    assert plain.std().item() == pytest.approx(math.sqrt(2 / (512 + 128)), rel=0.15)
    assert {name for name, _ in ClipScorer(2, branches="positive").named_parameters()} == {
        "first.0.weight",
        "first.0.bias",
        "second.0.weight",
        "second.0.bias",
    }


def test_gradients():
    made, (users, clips) = scorer(), vectors()
    assert torch.autograd.gradcheck(lambda u, c: made(u, c, USER, VIDEO), (users, clips))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "dim must be "),
        ({"hidden": 0}, "hidden must be "),
        ({"interaction": "sum"}, "interaction must be one of ['concat', 'concat+hadamard'], got 'sum'"),
        ({"branches": "negative"}, "branches must be one of ['both', 'positive'], got 'negative'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ClipScorer(**{"dim": DIM, **options})
