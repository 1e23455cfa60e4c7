"""Options of recommenders: presets, round trips, and what contradicts itself."""

from __future__ import annotations

import pytest

from graphvid._record import merge
from graphvid.models import LightGCNConfig, MFConfig, SimpleXConfig, TwoTowerConfig
from graphvid.models.recommenders import CCL, PerEdge, Softmax

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
    names = ("dim", "aggregator", "gate", "learning_rate", "batch_size", "l2", "dropout")
    assert [getattr(gowalla, name) for name in names] == [64, "user_attention", 0.8, 1e-4, 256, 1e-7, 0.1]
    assert [getattr(electronics, name) for name in names] == [50, "mean", 0.3, 5e-4, 256, 0.05, 0.0]
    assert (gowalla.loss, electronics.loss) == (
        CCL(margin=0.9, negative_weight=250.0),
        CCL(margin=0.8, negative_weight=4.0),
    )
    assert (gowalla.negatives, electronics.negatives) == (
        PerEdge(num_negatives=2000),
        PerEdge(num_negatives=1000, reject=True),
    )


def test_a_loss_may_be_a_record_a_name_or_the_form_of_a_file() -> None:
    given = [Softmax(), "softmax", {"name": "softmax"}, {"name": "softmax", "temperature": 0.1}]
    assert {MFConfig(loss=loss).loss for loss in given} == {Softmax()}
    assert merge(MFConfig().to_dict(), {"loss.margin": 0.4})["loss"] == {**CCL().to_dict(), "margin": 0.4}
    changed = MFConfig.from_dict(merge(MFConfig().to_dict(), {"loss.name": "softmax", "loss.temperature": 0.2}))
    assert changed.loss == Softmax(temperature=0.2)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (MFConfig, {"loss": {"name": "ccl", "margin": 1.5}}, r"loss.margin must be a number in \[-1, 1\], got 1.5"),
        (MFConfig, {"loss": {"name": "ccl", "margin": -1.1}}, "margin must be"),
        (
            MFConfig,
            {"negatives": {"name": "shared", "num_negatives": 0}},
            "negatives.num_negatives must be an integer >= 1, got 0",
        ),
        (
            MFConfig,
            {"loss": {"name": "ccl", "negative_weight": -1.0}},
            "negative_weight must be null or a finite number >= 0",
        ),
        (MFConfig, {"loss": "hinge"}, "loss.name must be one of .*, got 'hinge'"),
        (MFConfig, {"loss": 3}, "loss must be a CCL or a Softmax or a BPR or a BCE, got 3"),
        (MFConfig, {"dropout": 1.0}, r"dropout must be a number in \[0, 1\)"),
        (MFConfig, {"max_gradient_norm": 0.0}, "max_gradient_norm must be null or a finite number > 0"),
        (MFConfig, {"negatives": "in_batch"}, "loss must be 'softmax' with negatives 'in_batch', got 'ccl'"),
        (
            TwoTowerConfig,
            {"negatives": {"name": "cross_batch", "memory_size": 0}},
            "memory_size must be an integer >= 1",
        ),
        (
            TwoTowerConfig,
            {"negatives": {"name": "cross_batch", "memory_size": 100}},
            "negatives.memory_size must be at least batch_size, 512, got 100",
        ),
        (
            TwoTowerConfig,
            {"negatives": {"name": "cross_batch", "max_drift": 0.0}},
            "negatives.max_drift must be null or a finite number > 0, got 0.0",
        ),
        (
            TwoTowerConfig,
            {"loss": {"name": "softmax", "log_q_scale": 1.1}},
            r"loss.log_q_scale must be a number in \[0, 1\], got 1.1",
        ),
        (
            TwoTowerConfig,
            {"loss": {"name": "softmax", "log_q": False, "log_q_scale": 0.5}},
            "log_q_scale must be 1 with log_q False, which corrects nothing, got 0.5",
        ),
        (MFConfig, {"similarity": "dot"}, "similarity must be 'cosine' with loss 'ccl', got 'dot'"),
        (MFConfig, {"negatives": {"name": "per_edge", "on_shortfall": "any"}}, "on_shortfall needs reject"),
        (MFConfig, {"seed": 10**23}, r"seed must be an integer in \[0, 9223372036854775808\), got 1000"),
        (MFConfig, {"dim": 10**22}, r"dim must be an integer in \[1, 65536\], got 1000"),
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
    with pytest.raises(ValueError, match=r"preset must be one of \['default', 'gowalla', 'bpr'\], got 'yelp'"):
        MFConfig.preset("yelp")
    with pytest.raises(KeyError, match="unknown options"):
        SimpleXConfig.from_dict({"gamma": 0.5})
    with pytest.raises(TypeError, match=r"unknown options \['num_negatives'\]"):
        MFConfig(num_negatives=3)
    with pytest.raises(KeyError, match=r"unknown options \['temperature'\]; known are \['margin'"):
        MFConfig.from_dict(merge(MFConfig().to_dict(), {"loss.temperature": 0.2}))
