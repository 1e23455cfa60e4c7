"""The FRAME speed benchmark at tiny sizes: all methods compute the same, and what is said of floors is counted right."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

TINY = 0.002


@pytest.fixture(scope="module")
def speed():
    """The benchmark's modules by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parents[2]))
        names = ("frame", "_frame_world", "_frame_methods", "_frame_parts")
        yield {name: importlib.import_module(f"benchmarks.speed.{name}") for name in names}


@pytest.fixture(scope="module")
def world(speed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    speed["_frame_world"].make_world(folder, TINY)
    return folder


def _losses(speed, folder, method, num_steps=3):
    methods = speed["_frame_methods"]
    model = methods.make_model(method, *speed["_frame_world"].read_world(folder), "cpu")
    batches = methods.ShuffledBatches(model.targets, 64, 1, 0, 0)
    return list(methods.steps(model, [batch for batch, _ in zip(batches, range(num_steps))], "cpu"))


def test_world_has_the_size_it_says_and_distinct_pairs(speed, world) -> None:
    log, clips = speed["_frame_world"].read_world(world)
    assert (log.num_users, log.num_videos, log.num_interactions) == (25, 117, 685)
    assert clips.array.shape == (117, 8, 128)
    assert isinstance(clips.array.base, np.memmap)
    assert len(np.unique(log.user * 117 + log.video)) == 685
    assert 0.3 < (log.watch_time == log.duration).mean() < 0.5
    assert np.bincount(log.video).max() > 2 * 685 / 117  # popular videos


def test_copies_add_videos_and_keep_the_views(speed, world, tmp_path) -> None:
    speed["_frame_world"].make_world(tmp_path, TINY, copies=3)
    one, more = (speed["_frame_world"].read_world(folder) for folder in (world, tmp_path))
    assert more[1].num_videos == 3 * one[1].num_videos
    np.testing.assert_array_equal(more[0].video, 3 * one[0].video)
    np.testing.assert_array_equal(more[0].watch_time, one[0].watch_time)


@pytest.mark.parametrize("method", ["shared positives", "an edge a clip", "DGL", "dense"])
def test_methods_train_alike(speed, world, method) -> None:
    expected = _losses(speed, world, "own edges kept")
    assert len(set(expected)) == 3
    np.testing.assert_allclose(_losses(speed, world, method), expected, rtol=1e-4)


@pytest.mark.filterwarnings("ignore")  # of PyTorch Geometric: deprecated TorchScript, sparse matrices in beta
@pytest.mark.parametrize("method", ["PyG, edge_index", "PyG, torch.sparse"])
def test_pytorch_geometric_trains_alike(speed, world, method) -> None:
    pytest.importorskip("torch_geometric")
    np.testing.assert_allclose(_losses(speed, world, method), _losses(speed, world, "own edges kept"), rtol=1e-4)


def test_leaving_own_edges_out_is_another_task(speed, world) -> None:
    assert not np.allclose(_losses(speed, world, "graphvid"), _losses(speed, world, "own edges kept"), rtol=1e-4)


def test_steps_are_at_most_an_epoch(speed, world) -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("memory is read from Linux's /proc")
    measured = speed["_frame_methods"].time_steps("graphvid", world, num_steps=5, warm_up=0)
    assert measured["steps_per_epoch"] == len(measured["losses"]) == len(measured["steps_ms"]) == 1


def test_floor_counts_the_products_that_a_step_makes(speed, world) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    methods, parts = speed["_frame_methods"], speed["_frame_parts"]
    model = methods.make_model("graphvid", *speed["_frame_world"].read_world(world), "cpu")
    _, counts = parts._watch(model, "cpu")
    batch = next(iter(methods.ShuffledBatches(model.targets, 64, 1, 0, 0)))
    with FlopCounterMode(display=False) as counter:
        next(methods.steps(model, [batch], "cpu"))
    counted = sum(parts.floor_of(model, counts).values()) - parts.floor_of(model, counts)["messages"]
    assert counts["pairs"] == 64 * 8
    assert counter.get_total_flops() == pytest.approx(counted, rel=0.02)


def test_clock_counts_inner_calls_once(speed, monkeypatch) -> None:
    parts = speed["_frame_parts"]
    now = iter([0.0, 1.0, 4.0, 10.0])  # outer begins, inner begins, inner ends, outer ends
    monkeypatch.setattr(parts.Clock, "_now", lambda self: next(now))
    clock = parts.Clock("cpu")
    clock.run("outer", lambda: clock.run("inner", lambda: None))
    assert dict(clock.spent) == {"inner": 3.0, "outer": 7.0}


def test_dense_matrices_by_hand(speed) -> None:
    frame = speed["frame"]
    assert frame.matrix_bytes(1) == 2 * 4 * 12_739 * 466_328
    assert frame.matrix_flops(1) == 2 * 4 * (
        2 * 12_739 * 466_328 * frame.CONFIG.dim
    )  # relations; out and back, twice; a product


def test_extrapolation_grows_with_the_products(speed) -> None:
    frame = speed["frame"]
    common = {"device": "cpu", "steps_per_epoch": 10}
    rows = [
        {"method": "dense", "part": 0.25, "step_ms": 50.0, **common},
        {"method": "graphvid", "part": 0.5, "step_ms": 3.0, **common},
    ]
    row = frame._extrapolate(rows, 0.5)
    assert row["method"] == "dense, extrapolated from 0.25"
    assert row["step_ms"] == pytest.approx(200.0, rel=1e-3)
    assert row["epoch_s"] == pytest.approx(2.0, rel=1e-3)
    assert frame._extrapolate(rows, 0.25) is None


def test_methods_that_disagree_are_an_error(speed) -> None:
    rows = [{"method": name, "losses": [loss]} for name, loss in (("graphvid", 9.0), ("DGL", 1.0), ("dense", 1.01))]
    with pytest.raises(RuntimeError, match=r"dense has losses \[1\.01\], DGL \[1\.0\]"):
        speed["frame"]._check(rows)
    speed["frame"]._check(rows[:2])


def test_tables_and_files(speed, tmp_path, monkeypatch, capsys) -> None:
    """Two real processes' worth of rows would take long: the measurements are made up, the rest is run."""
    frame = speed["frame"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(frame, "make_world", lambda folder, part, copies: _touch(folder / "clips" / "features.npy"))
    monkeypatch.setattr(frame, "_run", lambda task, world, *rest, **more: dict(_MEASURED[task]))
    frame.main(["--sizes", "0.5", "1", "--only", "graphvid", "dense", "--out", str(tmp_path)])
    text = (tmp_path / "frame.md").read_text()
    assert text == capsys.readouterr().out[:-1]
    assert "| cpu | 1 | graphvid | 100 | 150 | 0.3 | 1 | 7 | 50 |" in text
    assert "| cpu | 1 | dense, extrapolated from 0.5 | 400 |  | 1.2 | 4 | 4.75e+04 |  |" in text
    assert "| 466,328 | 3e-06 | 2 | 3 | 7 | 100 |" in text
    assert "A step takes 40 ms; its 1.0 GFLOP take 20 ms at the 50 GFLOP/s" in text
    assert len(json.loads((tmp_path / "frame.json").read_text())["epochs"]) == 5


_STEPS = {
    "step_ms": 100.0,
    "step_cpu_ms": 150.0,
    "steps_per_epoch": 3,
    "losses": [1.0],
    "gigaflops": 50.0,
    "kept_bytes": 2 * 10**6,
    "steps_bytes": 3 * 10**6,
    "peak_bytes": 7 * 10**6,
}
_MEASURED = {
    "steps": _STEPS,
    "epoch": {"epoch_s": 0.4, "gigaflops": 50.0, "peak_bytes": 9 * 10**6},
    "parts": {"parts_ms": {"scorer": 40.0}, "rows": {"pairs": 8}, "flops": {"scorer": 1e9}, "gigaflops": 50.0},
}


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"npy")
