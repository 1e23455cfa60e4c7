"""Pictures of memories: what is measured on the way, and the number of negatives on the axis."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.quality import _tower_figures, towers_tiktok
from graphvid.data import Features, Interactions, InteractionSplits
from graphvid.models import TwoTowerConfig
from graphvid.tasks.recommendation import LoadedInteractions


@pytest.fixture
def data() -> LoadedInteractions:
    """Pairs of thirty users and forty items with features."""
    rng = np.random.default_rng(0)
    users, items = np.nonzero(rng.random((30, 40)) < 0.4)
    train, test = Interactions.from_pairs(users, items).hold_out(0.3, 0)
    features = Features(np.arange(40), {"frame": rng.normal(size=(40, 6))})
    splits = InteractionSplits("small", train, test, None)
    return LoadedInteractions(splits, pd.RangeIndex(30), pd.RangeIndex(40), features)


def test_drift_is_larger_over_more_steps_and_none_without_learning(data, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(_tower_figures, "_EVERY", 2)
    model = TwoTowerConfig(negatives="in_batch", batch_size=16, dim=8, hidden=8, num_epochs=2)
    found = _tower_figures.drift_of(model, data, (1, 5))
    steps = {lag: [step for step, _ in points] for lag, points in found["drift"].items()}
    assert steps["1"] == list(range(2, 2 * found["steps_per_epoch"] + 1, 2))
    assert steps["5"] == [step for step in steps["1"] if step > 5]
    near, far = (dict(found["drift"][lag]) for lag in ("1", "5"))
    assert all(0 < near[step] < far[step] for step in far)
    _tower_figures.drift_figure(found, tmp_path / "drift.png")
    assert (tmp_path / "drift.png").read_bytes().startswith(b"\x89PNG")
    still = _tower_figures.drift_of(replace(model, learning_rate=1e-30), data, (1,))
    assert max(moved for _, moved in still["drift"]["1"]) == 0


def test_rows_are_placed_by_their_number_of_negatives(tmp_path) -> None:
    rows = towers_tiktok.rows()
    record = {
        "seeds": [0, 1],
        "rows": [{"name": r.name, "config": r.config.to_dict(), "values": {"recall": [0.1, 0.2]}} for r in rows],
    }
    sizes = {row["name"]: _tower_figures._negatives(row["config"]) for row in record["rows"]}
    assert sizes["content: in-batch, 512"] == 511
    assert sizes["content: mixed, 128 + 128"] == 255
    assert sizes["content: uniform, 0 + 384"] == 384
    assert sizes["content: cross-batch split, 128 + 1920"] == 127 + 1920
    _tower_figures.memory_figure(record, tmp_path / "memory.png")
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")
