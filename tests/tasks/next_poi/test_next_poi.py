"""Sources, figures and answers of the next place."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from graphvid.data import SyntheticCheckIns
from graphvid.metrics import expected_ranks
from graphvid.models.poi import CountsConfig, GRUConfig, PeriodicInterestsConfig
from graphvid.tasks import load_run, train
from graphvid.tasks.next_poi import CheckInSource, load_check_ins


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("town")
    data = SyntheticCheckIns(num_users=6, num_pois=30, num_areas=5, check_ins_per_user=(40, 40)).check_ins
    frame = pd.DataFrame(
        {
            "user_id": data.user,
            "poi_id": [f"p{p}" for p in data.poi],
            "timestamp": data.timestamp,
            "offset": data.offset,
            "latitude": data.latitude[data.poi],
            "longitude": data.longitude[data.poi],
        }
    )
    frame.to_csv(path / "log.csv", index=False)
    return path


@pytest.fixture(scope="module")
def run(folder):
    source = CheckInSource(log=str(folder / "log.csv"), min_per_poi=2)
    config = PeriodicInterestsConfig(
        dim=4, batch_size=64, num_epochs=1, distance=True, baselines=("gru", "mf", "simplex")
    )
    train("periodic-interests", source, folder / "run", config, progress=False)
    return load_run(folder / "run")


def test_evaluate_gives_the_stored_figures_but_for_baselines_that_are_trained(run):
    stored = run.metrics["methods"]
    again = {name: stored[name] for name in stored if name not in ("GRU", "BPR matrix factorisation", "SimpleX")}
    assert run.evaluate(progress=False) == again


def test_figures_of_all_methods_and_the_report(run):
    found = run.metrics["methods"]
    assert list(found)[:4] == ["periodic interests, after ST-PIL", "GRU", "BPR matrix factorisation", "SimpleX"]
    assert {"popularity", "history", "successor", "weekday", "hour", "area", "mixture of counts"} <= set(found)
    for figures in found.values():
        recalls = [figures[k]["recall"] for k in ("1", "5", "10", "20")]
        assert recalls == sorted(recalls)
        assert all(figures[k]["recall_of_all"] <= figures[k]["recall"] for k in figures)
    saved = np.load(run.directory.path / "ranks.npz")
    known = np.isfinite(saved["rank"])
    assert found["periodic interests, after ST-PIL"]["10"]["recall"] == pytest.approx(
        (saved["rank"][known] <= 10).mean()
    )
    assert (~known).sum() == run.metrics["unseen_targets"]["test"]
    verdict = run.metrics["verdict"]
    assert verdict["value"] == pytest.approx((saved["rank"][known] <= 10).mean())
    assert verdict["best"] == max(found[name]["10"]["recall"] for name in list(found)[1:])
    assert sum(area["targets"] for area in run.metrics["areas"]) == len(known)
    assert sum(one["requests"] for one in run.metrics["by_history"]) == len(known)
    for attention in run.metrics["by_hour"]["attention"]:
        assert sum(attention) == pytest.approx(1, abs=1e-4)
    page = (run.directory.path / "report.html").read_text()
    assert f"{verdict['verdict']} the best baseline, {verdict['baseline']}" in page
    for heading in ("Where it finds them", "How much history it needs", "What it looks at", "What is left out"):
        assert heading in page
    assert page.count("<svg") >= 4


def test_a_reloaded_model_ranks_as_the_run_did(run, folder):
    saved = np.load(run.directory.path / "ranks.npz")
    model = run.model()
    rows = saved["row"][np.isfinite(saved["rank"])][:8]
    scores = model.score(model.chains.before(rows)).scores
    target = torch.from_numpy(model.places.number[model.chains.poi[rows]])
    np.testing.assert_allclose(expected_ranks(scores, target), saved["rank"][np.isfinite(saved["rank"])][:8])


def test_recommendations_say_why(run):
    table = run.recommend(3, top_k=4)
    assert table.score.is_monotonic_decreasing
    reasons = table.columns[table.columns.get_loc("km") + 1 :]
    assert {"daily", "hour", "area", "history", "successor", "popularity"} <= set(reasons)
    np.testing.assert_allclose(table[reasons].sum(axis=1), 1, rtol=1e-3)
    assert run.recommend("3", top_k=4).equals(table)
    many = run.recommend([3, 5], top_k=4)
    assert many["user_id"].tolist() == [3] * 4 + [5] * 4
    assert many.drop(columns="user_id")[:4].equals(table)
    assert len(run.recommend(3, top_k=10_000)) == run.metrics["candidates"]


def test_a_request_at_a_time_reads_what_was_before(run, folder):
    """The same answer from a history that ends there, and from all of it."""
    frame = pd.read_csv(folder / "log.csv")
    mine = frame[frame.user_id == 3].sort_values("timestamp")
    cut = mine.timestamp.iloc[10]
    at = pd.Timestamp(cut, unit="s", tz="UTC").tz_convert("-04:00").isoformat()
    mine.iloc[:10].to_csv(folder / "short.csv", index=False)
    mine.to_csv(folder / "whole.csv", index=False)
    short, whole = (run.recommend(3, at=at, history=str(folder / name)) for name in ("short.csv", "whole.csv"))
    pd.testing.assert_frame_equal(short, whole)
    assert run.recommend(3, at=at).poi_id.tolist() != run.recommend(3).poi_id.tolist()
    local = at[:-6]  # without a zone, that of the last check-in
    pd.testing.assert_frame_equal(run.recommend(3, at=local), run.recommend(3, at=at))
    nothing = run.recommend(3, at="2001-01-01T00:00")
    assert np.isfinite(nothing.score).all()


def test_a_request_from_a_place(run, folder):
    frame = pd.read_csv(folder / "log.csv").drop_duplicates("poi_id")
    far = frame.iloc[[0]]
    where = f"{far.latitude.iloc[0]},{far.longitude.iloc[0]}"
    table = run.recommend(3, from_=where, top_k=100)
    assert table.set_index("poi_id").km.idxmin() == far.poi_id.iloc[0]
    assert table.km.min() == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"top_k": 0}, ValueError, "top_k must be an integer >= 1, got 0"),
        ({"at": "noon"}, ValueError, "at must be a time in ISO 8601"),
        ({"from_": "91,0"}, ValueError, "from must be LAT,LON"),
        ({"from_": "here"}, ValueError, "from must be LAT,LON"),
        ({"history": "absent.csv"}, FileNotFoundError, r"absent\.csv"),
    ],
)
def test_refused_questions(run, options, error, message):
    with pytest.raises(error, match=message):
        run.recommend(3, **options)


def test_an_unknown_user(run):
    with pytest.raises(KeyError, match="user_id must be one of the 6 users"):
        run.recommend("nobody")


def test_counts_train_without_steps(folder):
    source = CheckInSource(log=str(folder / "log.csv"), min_per_poi=2, areas="none")
    metrics = train("counts", source, folder / "counts", CountsConfig(), progress=False)
    assert set(metrics["weights_of_counts"]) == {"history", "weekday", "hour", "sequential", "successor", "popularity"}
    assert sum(metrics["weights_of_counts"].values()) == pytest.approx(1)
    assert not (folder / "counts" / "checkpoint.safetensors").exists()
    with pytest.raises(ValueError, match="no model to load"):
        load_run(folder / "counts").model()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "exactly one of log and dataset must be given, got none"),
        ({"log": "a.csv", "dataset": "dchl-nyc"}, "exactly one of log and dataset"),
        ({"dataset": "mars"}, "dataset must be one of"),
        ({"dataset": "dchl-nyc", "min_per_poi": 5}, "apply to logs only"),
        ({"log": "a.txt", "form": "tsmc2014", "offset": 60}, "apply to form 'table' only"),
        ({"log": "a.csv", "areas": "given"}, "areas 'given' are those of"),
        ({"log": "a.csv", "grid_km": 0}, "grid_km must be"),
        ({"log": "a.csv", "geohash_length": 13}, "geohash_length must be"),
    ],
)
def test_refused_sources(options, message):
    with pytest.raises(ValueError, match=message):
        CheckInSource(**options)


def test_areas_are_of_the_source(folder):
    log = str(folder / "log.csv")
    counts = {}
    for options in ({"areas": "geohash"}, {"areas": "geohash", "geohash_length": 3}, {"grid_km": 100.0}):
        counts[json.dumps(options)] = len(
            np.unique(load_check_ins(CheckInSource(log=log, min_per_poi=1, **options)).area)
        )
    fine, coarse, _ = counts.values()
    assert fine > coarse >= 1
    assert load_check_ins(CheckInSource(log=log, areas="none")).area is None


def test_no_geohash_without_coordinates(folder):
    frame = pd.read_csv(folder / "log.csv").drop(columns=["latitude", "longitude"])
    frame.to_csv(folder / "nowhere.csv", index=False)
    source = {"log": str(folder / "nowhere.csv"), "min_per_poi": 2}
    assert load_check_ins(CheckInSource(**source)).area is None
    with pytest.raises(ValueError, match="areas must not be 'geohash' for places without coordinates"):
        load_check_ins(CheckInSource(**source, areas="geohash"))


def test_a_gru_is_not_its_own_baseline(folder, tmp_path):
    with pytest.raises(ValueError, match="must not name 'gru'"):
        train("gru", CheckInSource(log=str(folder / "log.csv")), tmp_path / "x", GRUConfig(baselines=("gru",)))


def test_staged_data_load(poi_data):
    for name, untimed in (("foursquare-nyc", False), ("dchl-nyc", True)):
        found = load_check_ins(CheckInSource(dataset=name, data_dir=poi_data))
        assert (found.check_ins.timestamp is None) == untimed
        assert found.fingerprint()["test"] == len(found.windows.test)
