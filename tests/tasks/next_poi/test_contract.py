"""The methods of the next place keep the contract."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from graphvid.data import SyntheticCheckIns
from graphvid.models.poi import CountsConfig, GRUConfig, PeriodicInterestsConfig
from graphvid.tasks.next_poi import CheckInSource
from tests.tasks.contract import Case, check_task


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A log of check-ins with text ids, one without its last rows, and the history of somebody else."""
    path = tmp_path_factory.mktemp("town")
    data = SyntheticCheckIns(num_users=6, num_pois=30, num_areas=5, check_ins_per_user=(30, 30)).check_ins
    frame = pd.DataFrame(
        {
            "user_id": [f"u{u}" for u in data.user],
            "poi_id": [f"p{p}" for p in data.poi],
            "timestamp": data.timestamp,
            "offset": data.offset,
            "latitude": data.latitude[data.poi],
            "longitude": data.longitude[data.poi],
        }
    )
    frame.sample(frac=1, random_state=0).to_csv(path / "log.csv", index=False)
    frame.iloc[:-20].to_csv(path / "shorter.csv", index=False)
    frame.iloc[:9].assign(user_id="me", poi_id=[*frame.poi_id[:8], "nowhere"]).to_csv(path / "mine.csv", index=False)
    return path


def next_poi(method, config, town, files) -> Case:
    source = CheckInSource(log=str(town / "log.csv"), min_per_poi=1, min_per_user=1)

    def ask(run) -> None:
        if run.method == "counts":
            assert run.evaluate(progress=False) == run.metrics["methods"]
        for more in ({}, {"at": "2012-04-20T18:30", "from_": "40.7,-74.0"}):
            assert run.recommend("u3", top_k=2, **more)["poi_id"].str.startswith("p").all()
        mine = run.recommend("me", history=str(town / "mine.csv"))
        assert mine.columns[:2].tolist() == ["poi_id", "score"]
        np.testing.assert_allclose(
            mine.drop(columns=["poi_id", "score", "km"], errors="ignore").sum(axis=1), 1, rtol=1e-3
        )

    return Case(
        method,
        source,
        config,
        {"history.npz", "ranks.npz", *files},
        ask,
        {"history.npz", *files} - {"epochs.csv"},
        replace(source, log=str(town / "shorter.csv")),
        [(replace(source, log=str(town / "absent.csv")), config), (replace(source, min_per_user=1000), config)],
        kills=(1, 5, 2) if "epochs.csv" in files else (),
    )


NEXT_POI: dict[str, tuple[Any, set[str]]] = {
    "periodic-interests": (
        PeriodicInterestsConfig(dim=4, batch_size=48, num_epochs=2),
        {"epochs.csv", "model.safetensors"},
    ),
    "gru": (GRUConfig(dim=4, batch_size=48, num_epochs=2), {"epochs.csv", "model.safetensors"}),
    "counts": (CountsConfig(), {"mixture.npz"}),
}


@pytest.mark.parametrize(
    "method",
    ["periodic-interests", "counts", pytest.param("gru", marks=pytest.mark.slow)],  # the network of the first, smaller
)
def test_contract_of_the_next_place(method, town, tmp_path, monkeypatch) -> None:
    check_task(next_poi(method, *NEXT_POI[method][:1], town, NEXT_POI[method][1]), tmp_path, monkeypatch)
