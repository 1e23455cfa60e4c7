"""The task co-watch: its split, its figures, and its answers; the contract holds the rest."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from graphvid.data import Features, SyntheticCoWatch, load_features
from graphvid.graphs import split_nodes
from graphvid.models import RGCConfig
from graphvid.runs import RunDirectory, SafetensorsCheckpointIO
from graphvid.tasks import load_run, train
from graphvid.tasks.co_watch import CoWatchSource
from tests.compare_runs import compare


def neighbors(path, video_id, **options):
    return load_run(path).neighbors(video_id, **options)


def embed_new(path, features):
    return load_run(path).embed(features)


def evaluate(path, progress=False):
    return load_run(path).evaluate(progress=progress)


@pytest.fixture
def copy(finished, tmp_path):
    return RunDirectory(shutil.copytree(finished, tmp_path / "run"))


def test_the_split_is_that_of_the_seed_and_the_log_has_a_row_a_window(finished, config):
    split, stored = split_nodes(96, seed=config.seed), np.load(finished / "split.npz", allow_pickle=False)
    assert np.array_equal(split.train, stored["train"])
    assert np.array_equal(split.test, stored["test"])
    with (finished / "training_log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["3", "6", "8"]


def test_a_process_killed_by_the_system_resumes_bit_for_bit(world_files, tmp_path):
    """SIGKILL as soon as there is a checkpoint; then the same command with --resume, against an uninterrupted run."""
    script = (
        "import sys, time\n"
        "from graphvid.cli import main\n"
        "from graphvid.models import RelationalGraphClustering as Model\n"
        "step = Model.training_step\n"
        "def slow(*arguments):\n"
        "    time.sleep(0.05)\n"
        "    return step(*arguments)\n"
        "Model.training_step = slow\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script, "train", "rgc", "--out", str(tmp_path / "run"), "--quiet"]
    command += ["--log", str(world_files / "log.csv"), "--features", str(world_files / "features.npz")]
    command += ["--checkpoint-every", "7"]
    settings = {"hidden": "[16]", "dim": "8", "batch_size": "32", "num_steps": "40"}
    command += [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    checkpoint = tmp_path / "run" / "checkpoint.safetensors"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    output = process.communicate()[0].decode()
    assert process.returncode == -signal.SIGKILL, output
    assert not (tmp_path / "run" / "encoder.safetensors").exists()
    assert SafetensorsCheckpointIO().load_checkpoint(checkpoint)["global_step"] % 7 == 0

    stored = RunDirectory(tmp_path / "run").read_config()
    config, source = RGCConfig.from_dict(stored["model"]), CoWatchSource(**stored["source"])
    train("rgc", source, tmp_path / "run", config, resume=True, checkpoint_every=7, progress=False)
    train("rgc", source, tmp_path / "whole", config, checkpoint_every=7, progress=False)
    assert all(line.startswith("equal") for line in compare(tmp_path / "run", tmp_path / "whole"))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "other model", "foreign"])
def test_a_damaged_encoder_is_named(copy, finished, world, damage):
    content = bytearray((copy.path / "encoder.safetensors").read_bytes())
    if damage == "truncated":
        (copy.path / "encoder.safetensors").write_bytes(content[:-1])
    elif damage == "flipped":
        content[-5] ^= 64
        (copy.path / "encoder.safetensors").write_bytes(content)
    elif damage == "foreign":
        from safetensors.torch import save_file

        save_file({"w": torch.ones(2)}, (copy.path / "encoder.safetensors"))
    else:
        copy.config.write_text(copy.config.read_text().replace('"dim": 8', '"dim": 9'))
    message = {
        "truncated": "is not .* or it is truncated or corrupt",
        "flipped": "is corrupt: its checksum does not match its tensors",
        "foreign": "was not written by graphvid: it has no checksum",
        "other model": "holds the weights of another model than",
    }[damage]
    with pytest.raises(ValueError, match=rf"encoder\.safetensors {message}"):
        embed_new(copy.path, world.features)
    with pytest.raises(ValueError, match=rf"encoder\.safetensors {message}"):
        evaluate(copy.path, progress=False)


def test_evaluate_gives_the_stored_figures_exactly(finished):
    assert evaluate(finished, progress=False) == RunDirectory(finished).read_metrics()["cold_start"]


def test_evaluate_refuses_a_changed_source(copy, world_files, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("".join((world_files / "log.csv").read_text().splitlines(keepends=True)[:-20]))
    old = str(world_files / "log.csv")
    copy.config.write_text(copy.config.read_text().replace(old, str(log)))
    with pytest.raises(ValueError, match=r"the source of .*run has changed: it was \{.*\}, now \{"):
        evaluate(copy.path, progress=False)
    log.unlink()
    with pytest.raises(FileNotFoundError, match=r"log\.csv not found"):
        evaluate(copy.path, progress=False)


@pytest.mark.parametrize("call", [evaluate, lambda path: load_run(path).model(), lambda path: neighbors(path, 0)])
def test_a_missing_or_unfinished_run_is_said_so(call, copy, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no run: there is no config\.json in it"):
        call(tmp_path / "nothing")
    (copy.path / "encoder.safetensors").unlink()
    (copy.path / "embeddings.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"unfinished run without .*; finish it with --resume"):
        call(copy.path)


def test_new_videos_are_embedded_as_the_model_does(finished):
    new = SyntheticCoWatch(num_users=20, num_videos=60, seed=9).features
    embedded = embed_new(finished, Features([f"new {i}" for i in range(60)], new.modalities))
    assert embedded.ids[0] == "new 0"
    with torch.no_grad():
        own = load_run(finished).model()({name: torch.from_numpy(x) for name, x in new.modalities.items()})
    assert np.array_equal(embedded.modalities["embedding"], own.numpy())


def test_videos_of_the_run_keep_their_embedding(finished, world):
    stored = load_features(finished / "embeddings.npz")
    assert stored.ids.tolist() == world.features.ids.tolist()
    assert np.array_equal(embed_new(finished, world.features).modalities["embedding"], stored.modalities["embedding"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda m: {"visual": m["visual"]},
            KeyError,
            r"must have the modalities \['audio', 'visual'\], got \['visual'\]",
        ),
        (lambda m: {**m, "text": m["audio"]}, KeyError, r"got \['audio', 'text', 'visual'\]"),
        (lambda m: {**m, "audio": m["audio"][:, 1:]}, ValueError, r"features\['audio'\] must have 32 columns, got 31"),
    ],
)
def test_features_of_other_modalities_or_widths_are_refused(finished, world, change, error, message):
    with pytest.raises(error, match=message):
        embed_new(finished, Features(world.features.ids, change(world.features.modalities)))


class TestNeighbors:
    def test_against_a_loop(self, finished):
        stored = load_features(finished / "embeddings.npz").modalities["embedding"]
        table = neighbors(finished, 5, top_k=12)
        cosine = sorted(((float(stored[5] @ row), i) for i, row in enumerate(stored) if i != 5), reverse=True)
        assert table["video_id"].tolist() == [i for _, i in cosine[:12]]
        assert table["score"].tolist() == pytest.approx([x for x, _ in cosine[:12]], abs=1e-6)

    def test_text_of_an_integer_id_is_taken(self, finished):
        assert neighbors(finished, "5").equals(neighbors(finished, 5))

    def test_text_ids_and_ties_by_id(self, copy):
        same = np.ones((4, 2), np.float32) / np.sqrt(2, dtype=np.float32)
        Features(["d", "c", "b", "a"], {"embedding": same}).save(copy.path / "embeddings.npz")
        assert neighbors(copy.path, "c")["video_id"].tolist() == ["a", "b", "d"]

    def test_more_than_there_are(self, finished):
        assert len(neighbors(finished, 5, top_k=1000)) == 95

    def test_unknown_video(self, finished):
        with pytest.raises(KeyError, match=r"video_id must be one of the 96 videos of .*finished, got 'x'"):
            neighbors(finished, "x")

    @pytest.mark.parametrize("top_k", [0, -1])
    def test_top_k(self, finished, top_k):
        with pytest.raises(ValueError, match=f"top_k must be an integer >= 1, got {top_k}"):
            neighbors(finished, 5, top_k=top_k)

    def test_damaged_embeddings(self, copy):
        (copy.path / "embeddings.npz").write_bytes((copy.path / "embeddings.npz").read_bytes()[:-50])
        with pytest.raises(ValueError, match=r"embeddings\.npz is not an \.npz archive, or it is truncated or corrupt"):
            neighbors(copy.path, 5)


def test_options_that_do_not_fit_the_data_leave_no_run_behind(source, config, tmp_path):
    wrong = replace(config, level_probs=(0.5, 0.2, 0.0, 0.0))
    with pytest.raises(ValueError, match="level_probs must"):
        train("rgc", source, tmp_path / "run", wrong, progress=False)
    assert not (tmp_path / "run").exists()


def test_a_graph_that_cannot_be_evaluated_is_refused_before_training(config, tmp_path):
    """One edge between training videos: nothing to find among the test videos."""
    a, b = split_nodes(20, seed=0).train[:2]
    (tmp_path / "edges.csv").write_text(f"src,dst\n{a},{b}\n")
    np.save(tmp_path / "features.npy", np.eye(20))
    source = CoWatchSource(edges=str(tmp_path / "edges.csv"), features=str(tmp_path / "features.npy"))
    with pytest.raises(ValueError, match="must have an edge between two of its 6 test videos, got none"):
        train("rgc", source, tmp_path / "run", config, progress=False)
    assert not (tmp_path / "run").exists()
