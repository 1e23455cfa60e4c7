"""Every method keeps the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from graphvid.data import Features, WatchLog
from graphvid.models import (
    ContrastiveQuantizationConfig,
    FRAMEConfig,
    LightGCNConfig,
    MFConfig,
    PyramidQuantizationConfig,
    RGCConfig,
    SimpleXConfig,
    TwoTowerConfig,
)
from graphvid.models.recommenders import CrossBatch, Shared
from graphvid.tasks.co_watch import CoWatchSource
from graphvid.tasks.codes import CodesSource
from graphvid.tasks.recommendation import InteractionSource
from graphvid.tasks.skips import ViewSource
from tests.tasks.contract import Case, check_task

PAIRS = {"embeddings.npz", "epochs.csv", "model.safetensors", "pairs.npz"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A log with text ids in no order, features in another order, and the same log without its last rows."""
    path = tmp_path_factory.mktemp("log")
    rng = np.random.default_rng(0)
    group, topic = np.arange(60) % 4, np.arange(50) % 4
    users, items = np.nonzero(rng.random((60, 50)) < np.where(group[:, None] == topic, 0.4, 0.05))
    frame = pd.DataFrame({"user_id": [f"u{u}" for u in users], "video_id": [f"v{i}" for i in items]})
    frame = frame.sample(frac=1, random_state=0)
    frame.to_csv(path / "log.csv", index=False)
    frame.iloc[:-30].to_csv(path / "shorter.csv", index=False)
    order = rng.permutation(50)
    table = np.eye(4)[topic] + 0.1 * rng.normal(size=(50, 4))
    Features([f"v{i}" for i in order], {"look": table[order].astype(np.float32)}).save(path / "features.npz")
    pd.DataFrame({"video_id": [f"v{i}" for i in order], "label": topic[order]}).to_csv(path / "labels.csv", index=False)
    Features([f"v{i}" for i in range(50)], {"look": table[::-1].astype(np.float32)}).save(path / "other.npz")
    return path


def of_codes(method, config, folder) -> Case:
    source = CodesSource(features=str(folder / "features.npz"), labels=str(folder / "labels.csv"))

    def ask(run) -> None:
        index = run.codes()
        features = Features(["new", "newer"], {"look": np.eye(2, 4, dtype=np.float32)})
        queries = run.embed(features).modalities["embedding"]
        assert queries.shape == (2, 4)
        index.add(queries, ["new", "newer"])
        assert index.search(queries, 3).ids.shape == (2, 3)
        assert len(run.neighbors("v3", top_k=3)) == 3
        found = run.evaluate(progress=False)
        assert found == {run.config["title"]: run.metrics["quality"][run.config["title"]]}

    return Case(
        method,
        source,
        config,
        {"codes.safetensors", "coder.safetensors", "embeddings.npz", "split.npz"},
        ask,
        {"codes.safetensors", "coder.safetensors", "embeddings.npz", "split.npz"},
        replace(source, features=str(folder / "other.npz")),
        [(source, replace(config, num_codewords=64)), (replace(source, features=str(folder / "absent.npz")), config)],
    )


def of_pairs(method, config, folder, *, features=False) -> Case:
    source = InteractionSource(log=str(folder / "log.csv"), features=str(folder / "features.npz") if features else None)

    def ask(run) -> None:
        assert run.recommend("u3", top_k=2)["item_id"].str.startswith("v").all()
        assert len(run.neighbors("v3", top_k=3)) == 3
        run.vectors("user")

    return Case(
        method,
        source,
        config,
        PAIRS,
        ask,
        {"embeddings.npz", "pairs.npz"},
        replace(source, log=str(folder / "shorter.csv")),
        [(replace(source, log=str(folder / "absent.csv")), config)],
    )


def co_watch(folder) -> Case:
    source = CoWatchSource(log=str(folder / "log.csv"), features=str(folder / "features.npz"), tune="none")
    config = RGCConfig(
        hidden=(16,),
        dim=8,
        batch_size=32,
        num_steps=8,
        level_probs=(0.5, 0.0, 0.0, 0.5),
        final_level_probs=(0.0, 0.5, 0.0, 0.5),
        schedule="staircase",
        decay=0.5,
        decay_every=3,
    )

    def ask(run) -> None:
        features = Features(["new", "newer"], {"look": np.ones((2, 4), np.float32)})
        assert run.embed(features).modalities["embedding"].shape == (2, 8)
        assert len(run.neighbors("v3")) == 10
        assert run.evaluate(progress=False) == run.metrics["cold_start"]

    return Case(
        "rgc",
        source,
        config,
        {"clusters.npz", "embeddings.npz", "encoder.safetensors", "split.npz"},
        ask,
        {"embeddings.npz", "encoder.safetensors", "split.npz"},
        replace(source, min_count=2),
        [(replace(source, min_count=1000), config)],
    )


def skips(files) -> Case:
    source = ViewSource(log=str(files / "log.csv"), clips=str(files / "clips"))
    config = FRAMEConfig(dim=8, hidden=8, batch_size=32, num_epochs=1, fanout=3)

    def ask(run) -> None:
        log = WatchLog.from_frame(pd.DataFrame({"user_id": ["u1", "nobody"], "video_id": ["v1", "v2"]}))
        assert run.predict(log)["complete"].between(0, 1).all()

    return Case(
        "frame",
        source,
        config,
        {"clips", "clips-1", "clips-4", "network.safetensors", "predictions.npz", "split.npz", "views.npz"},
        ask,
        {"network.safetensors", "views.npz"},
        replace(source, test_fraction=0.5),
        [(source, replace(config, num_clips=3))],
        kills=(1, 5, 12, 14),
    )


CASES: dict[str, Callable[[Any, Any], Case]] = {
    "rgc": lambda folder, _: co_watch(folder),
    "frame": lambda _, files: skips(files),
    "mf": lambda folder, _: of_pairs(
        "mf", MFConfig(dim=8, negatives=Shared(num_negatives=20), batch_size=64, num_epochs=2), folder
    ),
    "simplex": lambda folder, _: of_pairs(
        "simplex",
        SimpleXConfig(
            dim=8, negatives=Shared(num_negatives=20), batch_size=64, num_epochs=2, learning_rate=0.01, patience=2
        ),
        folder,
    ),
    "lightgcn": lambda folder, _: of_pairs("lightgcn", LightGCNConfig(dim=8, batch_size=64, num_epochs=2), folder),
    "two-tower": lambda folder, _: of_pairs(
        "two-tower",
        TwoTowerConfig(
            dim=8, hidden=8, batch_size=64, num_epochs=2, negatives=CrossBatch(memory_size=150), dropout=0.2
        ),
        folder,
        features=True,
    ),
    "mecoq": lambda folder, _: of_codes(
        "mecoq",
        ContrastiveQuantizationConfig(
            num_codewords=4,
            dim=4,
            hidden=8,
            batch_size=16,
            num_epochs=4,
            reseed_every=1,
            memory_size=20,
            memory_from=1,
            noise=0.1,
            num_neighbors=3,
        ),
        folder,
    ),
    "phpq": lambda folder, _: of_codes(
        "phpq",
        PyramidQuantizationConfig(
            num_codewords=4, dim=4, batch_size=16, num_epochs=4, top_n=2, dropout=0.1, norm="batch", hybrid="mix"
        ),
        folder,
    ),
}


@pytest.mark.parametrize("method", list(CASES))
def test_contract(method, folder, skip_files, tmp_path, monkeypatch) -> None:
    check_task(CASES[method](folder, skip_files), tmp_path, monkeypatch)
