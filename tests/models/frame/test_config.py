"""Options of FRAME: presets, what is refused, and the way to JSON and back."""

from __future__ import annotations

import json
import math
import re

import pytest

from graphvid.models import FRAMEConfig

PRESETS = ["survival", "paper", "official"]


def test_the_default_preset_is_the_default():
    assert FRAMEConfig.preset("survival") == FRAMEConfig()
    default = FRAMEConfig()
    assert (default.head, default.target_edges, default.branches) == ("survival", "exclude", "both")


def test_the_paper_preset_has_the_published_equations():
    paper = FRAMEConfig.preset("paper")
    assert (paper.positive_mode, paper.negative_mode, paper.multiplicity) == ("complete", "skip_clip", "binary")
    assert (paper.norm, paper.head, paper.interaction, paper.branches) == ("sym", "mean_prob", "concat", "both")
    assert (paper.dim, paper.hidden, paper.batch_size, paper.residual) == (128, 256, 1024, True)
    assert (paper.supervision, paper.target_edges, paper.share_weights) == ("view", "exclude", False)


def test_the_official_preset_has_the_departures_of_the_released_code():
    official = FRAMEConfig.preset("official")
    assert (official.positive_mode, official.negative_mode, official.multiplicity) == ("prefix", "official", "count")
    assert (official.norm, official.head, official.supervision) == ("official", "official_sum_logit", "official")
    assert (official.branches, official.share_weights, official.residual) == ("positive", True, False)
    assert (official.trainable_features, official.standardize, official.target_edges) == (True, False, "include")
    assert (official.learning_rate, official.schedule, official.num_epochs) == (2e-4, "constant", 10)


def test_unknown_preset():
    with pytest.raises(ValueError, match=re.escape(f"preset must be one of {PRESETS}, got 'fast'")):
        FRAMEConfig.preset("fast")


@pytest.mark.parametrize("preset", PRESETS)
def test_round_trip_through_json(preset):
    config = FRAMEConfig.preset(preset)
    assert FRAMEConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_unknown_options_are_named_with_the_known_ones():
    with pytest.raises(KeyError, match=r"unknown options \['colour', 'size'\]; known are \['batch_size'"):
        FRAMEConfig.from_dict({"size": 1, "dim": 8, "colour": 2})


@pytest.mark.parametrize(
    "name",
    [
        "positive_mode",
        "negative_mode",
        "multiplicity",
        "resolve",
        "norm",
        "target_edges",
        "interaction",
        "branches",
        "id_embedding",
        "head",
        "supervision",
        "schedule",
    ],
)
@pytest.mark.parametrize("value", ["other", None])
def test_refused_choices(name, value):
    accepted = re.escape(repr(getattr(FRAMEConfig(), name)))
    with pytest.raises(ValueError, match=rf"{name} must be one of \[.*{accepted}.*\], got {value!r}"):
        FRAMEConfig(**{name: value})


COUNTS = ["dim", "hidden", "num_duration_buckets", "batch_size", "num_epochs"]
SWITCHES = ["count_loops", "standardize", "trainable_features", "share_weights", "residual"]
POSITIVE = ["complete_ratio", "learning_rate"]
NOT_NEGATIVE = ["min_watch_time", "duration_resolution", "point_weight", "pair_weight", "weight_decay"]


@pytest.mark.parametrize(
    ("names", "values", "accepted"),
    [
        (COUNTS, [0, -1, 2.0, "2", True, None], "an integer >= 1"),
        (SWITCHES, [1, None, "true"], "true or false"),
        (POSITIVE, [0.0, -0.1, math.nan, math.inf, "1", None], "a finite number > 0"),
        (NOT_NEGATIVE, [-0.1, math.nan, math.inf, "0", None], "a finite number >= 0"),
        (["seed"], [-1, 0.0, None], "an integer >= 0"),
        (["fanout"], [0, -2, 1.5, None], "-1 or an integer >= 1"),
        (["num_clips"], [0, 2.0, True], "null or an integer >= 1"),
    ],
)
def test_refused_numbers(names, values, accepted):
    for name in names:
        for value in values:
            with pytest.raises(ValueError, match=re.escape(f"{name} must be {accepted}, got {value!r}")):
                FRAMEConfig(**{name: value})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"head": "mean_prob", "num_duration_buckets": 2},
            "num_duration_buckets must be 1 unless head is 'survival', got 2",
        ),
        ({"supervision": "official"}, "supervision must not be 'official' with head 'survival'"),
        ({"negative_mode": "official"}, "multiplicity must be 'count' with negative_mode 'official', got 'binary'"),
    ],
)
def test_options_that_contradict_each_other(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        FRAMEConfig(**options)


def test_values_at_the_edge_are_taken():
    config = FRAMEConfig(
        num_clips=1,
        dim=1,
        hidden=1,
        batch_size=1,
        num_epochs=1,
        fanout=1,
        learning_rate=5e-324,
        complete_ratio=1,
        weight_decay=0,
        point_weight=0,
        seed=0,
    )
    assert config.fanout == config.num_clips == 1
