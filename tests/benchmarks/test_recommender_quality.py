"""The tables of recommenders: what their rows are, and that a figure is that of the model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import _record, _table
from benchmarks._table import Table
from benchmarks.quality import (
    _recommenders,
    electronics_trials,
    recommenders_electronics,
    recommenders_gowalla,
    towers_photo,
    towers_tiktok,
)
from graphvid.models import MFConfig
from graphvid.models.recommenders import Shared
from graphvid.tasks.recommendation import InteractionSource

MODULES = [recommenders_electronics, recommenders_gowalla, towers_photo, towers_tiktok, electronics_trials]


@pytest.mark.parametrize("module", MODULES)
def test_rows_have_names_of_their_own_and_models_that_differ(module) -> None:
    rows = module.TABLE.rows
    assert len({row.name for row in rows}) == len(rows)
    about = [json.dumps(row.about, sort_keys=True) for row in rows]
    if module is not electronics_trials:  # two of its names are one trial
        assert len(set(about)) == len(rows)
    for row in rows:
        if hasattr(row, "source"):
            assert row.source.selection == ("test" if "published protocol" in row.name else "validation"), row.name


@pytest.mark.parametrize("module", MODULES)
def test_figures_in_the_repository_are_those_of_the_rows(module) -> None:
    """A command would keep every line that is there: none is of another model than the row of that name."""
    record = json.loads((_table.REPOSITORY / "benchmarks/results/quality" / f"{module.TABLE.name}.json").read_text())
    assert list(_record.unchanged(module.TABLE.rows, record)) == [line["name"] for line in record["rows"]]
    for line in record["rows"]:
        lists = {name: value for name, value in line.items() if isinstance(value, list)}
        assert {len(value) for value in [*lists.values(), *line["values"].values()]} == {len(record["seeds"])}


@pytest.fixture
def splits(tmp_path) -> InteractionSource:
    """Pairs of thirty users and forty items in files."""
    made = np.random.default_rng(0).random((30, 40))
    for name, chosen in (("train", made < 0.2), ("test", (made >= 0.2) & (made < 0.3))):
        lines = [" ".join(map(str, [user, *np.flatnonzero(row)])) for user, row in enumerate(chosen)]
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return InteractionSource(train=str(tmp_path / "train.txt"), test=str(tmp_path / "test.txt"))


def test_a_table_of_two_protocols(splits, tmp_path, monkeypatch) -> None:
    """Each row is chosen by what it says, and its figures are those of the best epoch."""
    monkeypatch.setattr(_table, "RESULTS", tmp_path)
    monkeypatch.setattr(_table, "WORK", tmp_path / "work")
    config = MFConfig(
        dim=8, negatives=Shared(num_negatives=20), num_epochs=2, learning_rate=0.01, optimizer="adam", batch_size=64
    )
    rows = _recommenders.both_protocols("MF", "small", "mf", splits, config)
    table = Table(
        "toy", "Toy", "protocol", _recommenders.METRICS, rows, _recommenders.at_20, k=20, keep=_recommenders.KEEP
    )
    record = table.main(["--seeds", "0", "1"])
    assert [row["name"] for row in record["rows"]] == ["MF, clean", "MF, published protocol"]
    for row in record["rows"]:
        assert all(0 < value < 1 for value in row["values"]["recall"])
        assert len({json.dumps(epochs) for epochs in row["epochs"]}) == 2  # two seeds
        assert row["source"]["train"] == "train.txt"
    clean, published = record["rows"]
    assert published["values"]["recall"][0] == pytest.approx(max(e["recall"] for e in published["epochs"][0]))
    assert clean["values"]["recall"][0] not in [epoch["recall"] for epoch in clean["epochs"][0]]
    assert clean["data"][0]["validation"] > 0
    assert "validation" not in published["data"][0]
    assert np.isfinite(clean["cpu_seconds"]).all()
    _recommenders.curves_figure(record, {"MF": {1: 0.2}}, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


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
