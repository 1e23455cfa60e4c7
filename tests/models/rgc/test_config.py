"""Options of relational graph clustering: presets, what is refused, and the way to JSON and back."""

from __future__ import annotations

import json
import math
import re

import pytest

from graphvid.models import RGCConfig


def test_the_paper_preset_has_the_published_sizes_and_optimiser():
    paper = RGCConfig.preset("paper")
    assert (paper.fusion, paper.hidden, paper.dim) == ("late_product", (4000,), 256)
    assert (paper.batch_size, paper.level_probs, paper.mining, paper.margin) == (9600, (1.0, 0.0, 0.0, 0.0), True, 0.5)
    assert (paper.optimizer, paper.learning_rate, paper.decay, paper.decay_every) == ("sgd", 0.1, 0.98, 300_000)


def test_the_default_preset_is_the_default():
    assert RGCConfig.preset("default") == RGCConfig()


def test_unknown_preset():
    with pytest.raises(ValueError, match=re.escape("preset must be one of ['default', 'paper'], got 'big'")):
        RGCConfig.preset("big")


@pytest.mark.parametrize("preset", ["default", "paper"])
def test_round_trip_through_json(preset):
    config = RGCConfig.preset(preset)
    assert RGCConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_unknown_options_are_named_with_the_known_ones():
    with pytest.raises(KeyError, match=r"unknown options \['colour', 'size'\]; known are \['batch_size'"):
        RGCConfig.from_dict({"size": 1, "dim": 8, "colour": 2})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "loss must be one of ['neighbor_softmax', 'softmax', 'triplet'], got 'hinge'"),
        ({"optimizer": "lion"}, "optimizer must be one of ['adam', 'sgd'], got 'lion'"),
        ({"fusion": "sum"}, "fusion must be one of ['late_product', 'early_concat'], got 'sum'"),
        ({"linkage": "single"}, "linkage must be one of ['average', 'max', 'sum', "),
        ({"pool": "all"}, "pool must be one of ['sibling', 'inclusive'], got 'all'"),
        ({"positive": "best"}, "positive must be one of ['uniform', 'weight', 'cluster'], got 'best'"),
        ({"candidates": "some"}, "candidates must be one of ['negatives', 'all'], got 'some'"),
        ({"fallback": "none"}, "fallback must be one of ['own', 'farthest_easy', 'drop'], got 'none'"),
        ({"num_steps": 0}, "num_steps must be an integer >= 1, got 0"),
        ({"num_steps": 2.5}, "num_steps must be an integer >= 1, got 2.5"),
        ({"num_steps": "many"}, "num_steps must be an integer >= 1, got 'many'"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1, got 0"),
        ({"dim": True}, "dim must be an integer >= 1, got True"),
        ({"num_levels": 0, "level_probs": (1.0,)}, "num_levels must be an integer >= 1, got 0"),
        ({"decay_every": 0}, "decay_every must be an integer >= 1, got 0"),
        ({"learning_rate": 0.0}, "learning_rate must be a finite number > 0, got 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be a finite number > 0, got nan"),
        ({"learning_rate": math.inf}, "learning_rate must be a finite number > 0, got inf"),
        ({"decay": -1}, "decay must be a finite number > 0, got -1"),
        ({"temperature": 0}, "temperature must be a finite number > 0, got 0"),
        ({"margin": -0.1}, "margin must be a finite number >= 0, got -0.1"),
        ({"weight_decay": math.nan}, "weight_decay must be a finite number >= 0, got nan"),
        ({"dropout": 1.0}, "dropout must be a number in [0, 1), got 1.0"),
        ({"input_dropout": -0.1}, "input_dropout must be a number in [0, 1), got -0.1"),
        ({"hidden": 32}, "hidden must be a list of integers >= 1, got 32"),
        ({"hidden": (32, 0)}, "hidden must be a list of integers >= 1, got (32, 0)"),
        ({"level_probs": (1.5, -0.5, 0, 0)}, "level_probs must be a list of numbers >= 0, got (1.5, -0.5, 0, 0)"),
        ({"level_probs": (1.0, 0.0)}, "level_probs must have num_levels + 1 = 4 entries, got (1.0, 0.0)"),
        ({"final_level_probs": (1.0,)}, "final_level_probs must have num_levels + 1 = 4 entries, got (1.0,)"),
        ({"mining": 1, "loss": "triplet"}, "mining must be true or false, got 1"),
        ({"mining": True}, "mining must be False unless loss is 'triplet', got loss 'neighbor_softmax'"),
        ({"seed": -1}, "seed must be an integer >= 0, got -1"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RGCConfig(**options)


def test_values_at_the_edge_are_taken():
    config = RGCConfig(margin=0, dropout=0, weight_decay=0, learning_rate=5e-324, num_steps=1, dim=1, hidden=(), seed=0)
    assert config.hidden == ()
