"""Options of recommenders: presets, round trips, and what contradicts itself."""

from __future__ import annotations

import pytest

from graphvid.models import LightGCNConfig, MFConfig, SimpleXConfig, TwoTowerConfig

PRESETS = {
    MFConfig: ["default", "gowalla", "bpr"],
    SimpleXConfig: ["default", "gowalla", "electronics"],
    LightGCNConfig: ["default", "paper", "ccl"],
    TwoTowerConfig: ["default", "in_batch", "mixed", "cross_batch"],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in PRESETS.items() for name in names])
def test_presets_survive_a_file(kind, name) -> None:
    preset = kind.preset(name)
    assert isinstance(preset, kind)
    assert kind.from_dict(preset.to_dict()) == preset


def test_published_options_of_simplex() -> None:
    """The rows of the table of published settings."""
    gowalla, electronics = SimpleXConfig.preset("gowalla"), SimpleXConfig.preset("electronics")
    names = ("dim", "aggregator", "gate", "num_negatives", "margin", "negative_weight", "learning_rate", "batch_size",
             "l2", "dropout", "reject")  # fmt: skip
    assert [getattr(gowalla, name) for name in names] == [
        64, "user_attention", 0.8, 2000, 0.9, 250.0, 1e-4, 256, 1e-7, 0.1, False
    ]  # fmt: skip
    assert [getattr(electronics, name) for name in names] == [
        50, "mean", 0.3, 1000, 0.8, 4.0, 5e-4, 256, 0.05, 0.0, True
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (MFConfig, {"margin": 1.0}, r"margin must be a number in \[-1, 1\), got 1.0"),
        (MFConfig, {"margin": -1.1}, "margin must be"),
        (MFConfig, {"num_negatives": 0}, "num_negatives must be an integer >= 1, got 0"),
        (MFConfig, {"negative_weight": -1.0}, "negative_weight must be null or a finite number >= 0"),
        (MFConfig, {"loss": "hinge"}, "loss must be one of .*, got 'hinge'"),
        (MFConfig, {"dropout": 1.0}, r"dropout must be a number in \[0, 1\)"),
        (MFConfig, {"max_gradient_norm": 0.0}, "max_gradient_norm must be null or a finite number > 0"),
        (MFConfig, {"negatives": "in_batch"}, "loss must be 'softmax' with negatives 'in_batch', got 'ccl'"),
        (MFConfig, {"memory_size": 5}, "memory_size must be > 0 with negatives 'cross_batch' and 0 without, got 5"),
        (TwoTowerConfig, {"memory_size": 0}, "memory_size must be > 0 with negatives 'cross_batch'"),
        (TwoTowerConfig, {"memory_size": 100}, "memory_size must be at least batch_size, 512, got 100"),
        (MFConfig, {"similarity": "dot"}, "similarity must be 'cosine' with loss 'ccl', got 'dot'"),
        (
            MFConfig,
            {"loss": "bpr", "margin": 0.5},
            r"margin counts with loss in \['ccl'\] only, got margin=0.5",
        ),
        (MFConfig, {"temperature": 0.5}, r"temperature counts with loss in \['softmax'\] only"),
        (MFConfig, {"warmup_steps": 5}, r"warmup_steps counts with negatives in \['cross_batch'\] only"),
        (MFConfig, {"on_shortfall": "any"}, r"on_shortfall counts with reject in \[True\] only"),
        (MFConfig, {"reject": True}, "reject needs negatives 'per_edge', got 'shared'"),
        (SimpleXConfig, {"gate": 1.1}, r"gate must be a number in \[0, 1\], got 1.1"),
        (SimpleXConfig, {"aggregator": "sum"}, "aggregator must be one of"),
        (SimpleXConfig, {"count_padding": True}, "count_padding needs an aggregator with attention, got 'mean'"),
        (LightGCNConfig, {"optimizer": "deferred_adam"}, "optimizer must be 'adam'"),
        (LightGCNConfig, {"num_layers": 0}, "num_layers must be an integer >= 1"),
        (TwoTowerConfig, {"item_tower": "both"}, "item_tower must be one of"),
    ],
)
def test_bad_options(kind, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**options)


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match=r"preset must be one of \['bpr', 'default', 'gowalla'\], got 'yelp'"):
        MFConfig.preset("yelp")
    with pytest.raises(KeyError, match="unknown options"):
        SimpleXConfig.from_dict({"gamma": 0.5})
