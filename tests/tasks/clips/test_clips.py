"""The methods of clips keep the contract; their report, what they answer and refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graphvid.data import ClipRef, PixelStore
from graphvid.models.clips import BEReleasedConfig, MoCoConfig
from graphvid.tasks import load_run, train
from graphvid.tasks.clips import ClipsSource, load_clips
from graphvid.tasks.clips.figures import color_histograms, judge_videos, probe
from tests.tasks.contract import Case, check_task

SMALL = {"clip_length": 3, "width": 1, "dim": 4, "crop_shift": 1, "batch_size": 4, "num_epochs": 2, "queue_size": 6}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pixels of eleven videos of several lengths, others of the same names, and labels."""
    path = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for name in ("videos", "others"):
        frames = {f"v{i}": rng.integers(0, 256, (9 + i % 3, 8, 8, 1), dtype=np.uint8) for i in range(11)}
        PixelStore.write(path / name, PixelStore.from_videos(frames))
    PixelStore.write(path / "new", PixelStore.from_videos({"new": rng.integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)}))
    (path / "labels.csv").write_text("video_id,label\n" + "".join(f"v{i},{i % 2}\n" for i in range(11)))
    return path


def test_contract(folder, tmp_path, monkeypatch) -> None:
    source = ClipsSource(videos=str(folder / "videos"), labels=str(folder / "labels.csv"))
    config = BEReleasedConfig(**SMALL, group="square8xtime", consistency_weight=1.0)

    def ask(run) -> None:
        found = run.embed(run.read_inputs(folder / "new"))
        assert found.modalities["embedding"].shape == (1, 4)
        assert len(run.neighbors("v3", top_k=3)) == 3
        assert run.evaluate(progress=False) == {run.config["title"]: run.metrics["quality"][run.config["title"]]}

    case = Case(
        "be-released",
        source,
        config,
        {"embeddings.npz", "encoder.safetensors", "strips.npz"},
        ask,
        {"embeddings.npz", "encoder.safetensors"},
        replace(source, videos=str(folder / "others")),
        [(replace(source, videos=str(folder / "absent")), config), (source, replace(config, clip_length=9))],
        kills=(1, 5),
    )
    check_task(case, tmp_path, monkeypatch)
    page = (tmp_path / "whole" / "report.html").read_text()
    for word in (
        "finds its own last third",
        "Nearest to v0",
        "Mean age of the keys",
        "colour histogram",
        "the best baseline",
        "data:image/png",
    ):
        assert word in page


def test_the_generated_world_is_judged_by_motion_and_scenery(tmp_path) -> None:
    pytest.importorskip("sklearn")
    config = MoCoConfig(width=1, num_epochs=1, batch_size=16, num_clips=1, queue_size=16)
    source = ClipsSource(dataset="synthetic-motion", num_videos=32)
    metrics = train("moco", source, tmp_path / "run", config, progress=False)
    own = metrics["quality"]["MoCo"]
    assert metrics["verdict"]["value"] == pytest.approx(own["motion"] / 100)
    assert own["gap"] == pytest.approx(own["matched"] - own["shifted"])
    assert all(0 <= own[name] <= 100 for name in ("cheating", "motion", "background", "sign", "sign_of_maps"))
    assert "of its answers name the scenery" in (tmp_path / "run" / "report.html").read_text()
    run = load_run(tmp_path / "run")
    with pytest.raises(ValueError, match=r"videos must have frames of \(height, width, channels\) \(24, 24, 1\)"):
        run.embed(PixelStore.from_videos({"a": np.zeros((9, 8, 8, 1), np.uint8)}))


def test_thirds_and_classes_are_found_by_what_tells_them_apart() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    videos = {
        i: (np.full((12, 4, 4, 1), 40 + 16 * i) + rng.integers(0, 4, (12, 4, 4, 1))).astype(np.uint8) for i in range(6)
    }
    videos["short"] = videos[0][:5]
    source = PixelStore.from_videos(videos)
    config = MoCoConfig(clip_length=3, num_clips=2)
    found, hits = judge_videos(color_histograms, source, config, np.array([0, 1, 2, 3, 4, 5, 0]))
    assert (found["thirds"], found["num_thirds"], hits.tolist()) == (100.0, 6, [True] * 6)
    assert found["nearest_label"] == pytest.approx(100 * 2 / 7)  # the short one and the one that it was cut from
    fit = rng.normal(size=(60, 3)).astype(np.float32)
    assert (probe(fit, (fit[:, 1] > 0).astype(np.int64), fit) == (fit[:, 1] > 0)).mean() > 0.95


@pytest.mark.parametrize(("channels", "bins"), [(1, 64), (2, 16), (3, 8), (4, 4)])
def test_colours_are_counted_with_their_channels_together(channels, bins):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 6, 6, channels), dtype=np.uint8)
    source = PixelStore.from_videos({"a": pixels, "b": pixels[..., ::-1]})
    found = color_histograms(source, [ClipRef(0, 0, 1, 8)])[0]
    wanted = np.histogramdd(pixels.reshape(-1, channels), [np.linspace(0, 256, bins + 1)] * channels)[0]
    np.testing.assert_allclose(found.astype(np.float64) ** 2, wanted.ravel(order="F") / (8 * 36), atol=1e-6)


def test_a_folder_of_video_files_is_decoded_once(tmp_path) -> None:
    av = pytest.importorskip("av")
    rng = np.random.default_rng(0)
    (tmp_path / "files").mkdir()
    for name in ("a", "b"):
        with av.open(str(tmp_path / "files" / f"{name}.mkv"), "w") as container:
            stream = container.add_stream("ffv1", rate=10)
            stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv444p"
            for frame in rng.integers(0, 256, (9, 16, 16, 3), dtype=np.uint8):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            container.mux(stream.encode())
    source = ClipsSource(videos=str(tmp_path / "files"), height=8, width=8, store=str(tmp_path / "store"))
    data = load_clips(source, progress=False)
    assert data.source.ids.tolist() == ["a", "b"]
    kept = replace(source, videos=str(tmp_path / "store"), store=None)
    for again in (source, replace(source, store=None), kept):
        assert load_clips(again, progress=False).fingerprint()["crc32"] == data.fingerprint()["crc32"]
    with pytest.raises(ValueError, match="holds the pixels of other videos"):
        load_clips(replace(source, width=4), progress=False)
    with pytest.raises(ValueError, match=r"store must not be given with .*, which holds decoded pixels"):
        load_clips(replace(kept, store=str(tmp_path / "other")), progress=False)
    shorter = {name: data.source.clip(row, 0, 8) for row, name in enumerate(data.source.ids)}
    PixelStore.write(tmp_path / "shorter", PixelStore.from_videos(shorter))
    with pytest.raises(ValueError, match="holds the pixels of other videos"):
        load_clips(replace(source, store=str(tmp_path / "shorter")), progress=False)


def test_sources_that_do_not_name_one() -> None:
    for options, message in (
        ({}, "exactly one of dataset and videos must be given, got none"),
        ({"dataset": "synthetic-motion", "labels": "a.csv"}, "labels must not be given with dataset"),
        ({"dataset": "synthetic-motion", "store": "a"}, "store must not be given with dataset"),
        ({"dataset": "synthetic-motion", "num_videos": 3}, "num_videos must be an integer >= 16, got 3"),
    ):
        with pytest.raises(ValueError, match=message):
            ClipsSource(**options)
