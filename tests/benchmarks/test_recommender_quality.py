"""The tables of recommenders: what their rows are, and that a figure is that of the model."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.quality import (
    _recommenders,
    recommenders_electronics,
    recommenders_gowalla,
    towers_photo,
    towers_tiktok,
)
from graphvid.data import Interactions, InteractionSplits
from graphvid.models import MFConfig
from graphvid.runs import LoadedInteractions


@pytest.mark.parametrize("module", [recommenders_electronics, recommenders_gowalla, towers_photo, towers_tiktok])
def test_rows_have_names_of_their_own_and_models_that_differ(module) -> None:
    rows = module.rows()
    assert len({row.name for row in rows}) == len(rows)
    assert len({(row.method, row.selection, json.dumps(row.model.to_dict())) for row in rows}) == len(rows)
    for row in rows:
        assert row.selection == ("test" if "published protocol" in row.name else "validation"), row.name


def _small(task, data_dir, selection, seed):
    """Pairs of thirty users and forty items, split as the selection says."""
    users, items = np.nonzero(np.random.default_rng(0).random((30, 40)) < 0.3)
    train, test = Interactions.from_pairs(users, items).hold_out(0.3, 0)
    validation = None
    if selection == "validation":
        train, validation = train.hold_out(0.2, seed)
    splits = InteractionSplits("small", train, test, validation)
    return LoadedInteractions(splits, pd.RangeIndex(30), pd.RangeIndex(40))


def test_a_table_of_two_protocols(tmp_path, monkeypatch, capsys) -> None:
    """Trained for two epochs, and not again when the table is asked for again."""
    monkeypatch.setattr(_recommenders, "RESULTS", tmp_path)
    monkeypatch.setattr(_recommenders, "_load", _small)
    config = MFConfig(dim=8, num_negatives=20, num_epochs=2, learning_rate=0.01, optimizer="adam", batch_size=64)
    rows = _recommenders.both_protocols("MF", "small", "mf", config)
    task = _recommenders.Task("toy", "Toy", "synthetic", rows, "protocol")
    _recommenders.main(task, ["--seeds", "0", "1"])
    assert (tmp_path / "toy_curves.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((tmp_path / "toy.json").read_text())
    assert [row["name"] for row in record["rows"]] == ["MF, clean", "MF, published protocol"]
    for row in record["rows"]:
        assert all(0 < value < 1 for value in row["values"]["recall"])
        assert len({json.dumps(epochs) for epochs in row["epochs"]}) == 2  # two seeds
    best = record["rows"][1]["epochs"][0]
    assert record["rows"][1]["values"]["recall"][0] == pytest.approx(max(epoch["recall"] for epoch in best))
    assert record["rows"][0]["values"]["recall"][0] not in [epoch["recall"] for epoch in record["rows"][0]["epochs"][0]]
    _recommenders.main(task, ["--seeds", "0", "1", "2", "--rows", "clean"])
    clean, published = json.loads((tmp_path / "toy.json").read_text())["rows"]
    assert published["values"]["recall"] == [*record["rows"][1]["values"]["recall"], None]
    assert len(clean["seconds"]) == 3
    assert len(published["seconds"]) == 2
    monkeypatch.setattr(_recommenders, "_run", lambda *_: pytest.fail("trained again"))
    _recommenders.main(task, ["--seeds", "0", "1"])
    assert "| MF, clean |" in capsys.readouterr().out
    changed = replace(task, rows=[replace(rows[0], model=replace(config, dim=9))])
    with pytest.raises(pytest.fail.Exception, match="trained again"):
        _recommenders.main(changed, ["--seeds", "0"])
    assert np.isfinite(record["rows"][0]["cpu_seconds"]).all()
    assert record["rows"][0]["threads"] == [torch.get_num_threads()] * 2


@pytest.mark.skipif("GRAPHVID_DATA" not in os.environ, reason="GRAPHVID_DATA is not set")
def test_photo_pairs_go_both_ways() -> None:
    """Every pair is in one split, in both directions."""
    if not Path(os.environ["GRAPHVID_DATA"], "copurchase_graphs").is_dir():
        pytest.skip("GRAPHVID_DATA has no copurchase_graphs")
    data = towers_photo.load(None)
    seen = set()
    for split in (data.splits.train, data.splits.validation, data.splits.test):
        pairs = set(zip(split.users.tolist(), split.items.tolist()))
        assert pairs == {(item, user) for user, item in pairs}
        assert not pairs & seen
        seen |= pairs
    assert len(seen) == 2 * 119_081
