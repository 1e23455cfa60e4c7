"""Changes of each trial, on pairs of thirty users and forty items."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.quality.electronics_trials import Trial, rows
from graphvid.data import Interactions, InteractionSplits
from graphvid.models import SimpleXConfig
from graphvid.models.recommenders import PerEdge
from graphvid.tasks.recommendation import LoadedInteractions, make_recommender

CONFIG = SimpleXConfig(dim=4, negatives=PerEdge(num_negatives=30, reject=True), init_std=0.1)


@pytest.fixture
def pairs() -> InteractionSplits:
    users, items = np.nonzero(np.random.default_rng(0).random((30, 40)) < 0.3)
    train, test = Interactions.from_pairs(users, items).hold_out(0.2, 0)
    train, validation = train.hold_out(0.2, 0)
    return InteractionSplits("small", train, test, validation)


@pytest.fixture
def data(pairs) -> LoadedInteractions:
    return LoadedInteractions(pairs, pd.RangeIndex(30), pd.RangeIndex(40))


@pytest.fixture
def plain(data, pairs):
    """The model as it is specified."""
    known = replace(data, splits=InteractionSplits("small", pairs.train, pairs.test))
    return make_recommender("simplex", known, CONFIG)


def _set(*splits: Interactions) -> set[tuple[int, int]]:
    return {pair for split in splits for pair in zip(split.users.tolist(), split.items.tolist())}


def test_negatives_avoid_what_a_trial_says(pairs, data) -> None:
    users = torch.arange(30).repeat_interleave(4)
    for names in ((), ("validation",), ("validation", "test")):
        model, judged = Trial(avoid=names)(data, CONFIG)
        drawn = model.candidates.sampler.sample(users, 0).items
        drawn = {(int(u), int(i)) for u, row in zip(users, drawn) for i in row}
        avoided = [pairs.train, *(getattr(pairs, name) for name in names)]
        assert not drawn & _set(*avoided)
        assert all(drawn & _set(getattr(pairs, name)) for name in {"validation", "test"} - set(names))
        assert judged.splits.validation is None
        assert judged.splits.train is pairs.train


def test_training_on_validation_pairs(pairs, data) -> None:
    """They are training edges, and no candidates where the model is judged."""
    model, judged = Trial(train_on_validation=True)(data, CONFIG)
    assert set(zip(model.edges.user.tolist(), model.edges.item.tolist())) == _set(pairs.train, pairs.validation)
    assert _set(judged.splits.train) == _set(pairs.train, pairs.validation)
    assert judged.splits.test is pairs.test


def test_an_edge_that_stays_is_read(data, plain) -> None:
    model, _ = Trial(keep_edge=True)(data, CONFIG)
    users, items = model.edges.user[:8], torch.arange(40)
    kept, left_out = (m.encode(users, items, m.edges.item[:8])[0] for m in (model, plain))
    assert torch.equal(kept, plain.encode(users, items)[0])
    assert not torch.equal(kept, left_out)


def test_padding_in_the_mean(pairs, data, plain) -> None:
    """The sum of a history is divided by 500 and not by its length."""
    model, _ = Trial(count_padding=True)(data, CONFIG)
    users, items = torch.arange(30), torch.arange(40)
    padded, mean = (m.encode(users, items)[0] - CONFIG.gate * m.users.weight for m in (model, plain))
    lengths = np.diff(pairs.train.indptr)
    torch.testing.assert_close(padded, mean * torch.from_numpy(lengths / 500).float()[:, None])


def test_histories_at_the_test(data, plain) -> None:
    """`embed` reads the validation pairs, training does not."""
    model, _ = Trial(validation_in_histories=True)(data, CONFIG)
    more, _ = Trial(train_on_validation=True)(data, CONFIG)
    assert torch.equal(model.embed().users, more.embed().users)
    assert not torch.equal(model.embed().users, plain.embed().users)
    assert torch.equal(model.histories.indices, plain.histories.indices)


def test_every_row_is_a_trial_of_the_published_protocol() -> None:
    trials = [(row.measure.trial, row.measure.config) for row in rows()]
    assert all(one != other for i, one in enumerate(trials) for other in trials[:i])
    assert all("published protocol" in row.name for row in rows())
