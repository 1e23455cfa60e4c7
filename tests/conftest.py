"""Settings that must be made before any test is collected."""

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it when it is first imported, which any test may do
if "PYTEST_XDIST_WORKER" in os.environ:  # tests run in several processes: one thread each, unless a test asks for more
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that may take longest, so that processes beside each other end together."""
    items.sort(key=lambda item: -mark.args[0] if (mark := item.get_closest_marker("timeout")) else 0)


@pytest.fixture(scope="session")
def poi_data() -> str:
    """The folder that holds ``poi_checkins``."""
    root = os.environ.get("GRAPHVID_DATA", "")
    if not (Path(root) / "poi_checkins" / "nyc_tsmc2014_checkins.csv.gz").is_file():
        pytest.skip("GRAPHVID_DATA has no poi_checkins")
    return root


@pytest.fixture(scope="session")
def fit_model():
    """Train a model, to the end or to a step, from the start or a checkpoint, and save it there; gives the losses."""
    from lightning import Callback, Trainer

    from graphvid.runs import SafetensorsCheckpointIO
    from graphvid.runs.callbacks import Checkpoint

    class Losses(Callback):
        """The loss of every step."""

        def __init__(self):
            self.values = []

        def on_train_batch_end(self, trainer, *_):
            self.values.append(float(trainer.callback_metrics["loss"]))

    def fit(model, *, steps=-1, checkpoint=None, save=None, callbacks=()):
        losses = Losses()
        callbacks = [losses, *callbacks, *([] if save is None else [Checkpoint(save, steps)])]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            Trainer(
                max_steps=steps,
                max_epochs=1,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                accelerator="cpu",
                callbacks=callbacks,
                plugins=[SafetensorsCheckpointIO()],
            ).fit(model, ckpt_path=checkpoint)
        return losses.values

    return fit


@pytest.fixture(scope="session")
def in_parts():
    """A function (frame, folder, num_parts, seed) that writes the rows, shuffled, as a folder of Parquet files."""

    def write(frame, folder, num_parts, seed=0):
        folder.mkdir(parents=True)
        rows = np.random.default_rng(seed).permutation(len(frame))
        for part, chosen in enumerate(np.array_split(rows, num_parts)):
            frame.iloc[chosen].to_parquet(folder / f"part-{part}.parquet", index=False)
        return folder

    return write


@pytest.fixture(scope="session")
def skewed_log():
    """A function (num_rows, text) -> WatchLog of which a tenth of the users are heavy."""
    from graphvid.data import WatchLog

    def draw(num_rows, text):
        rng = np.random.default_rng(0)
        users = (num_rows // 10 * rng.random(num_rows) ** 3).astype(int)
        videos = (num_rows // 7 * rng.random(num_rows) ** 2).astype(int)
        frame = pd.DataFrame({"user_id": users, "video_id": videos - 5})
        if text:
            frame = pd.DataFrame({name: [f"{name[0]}{value}é" for value in frame[name]] for name in frame})
        return WatchLog.from_frame(frame, duplicates="keep")

    return draw


@pytest.fixture(scope="session")
def numba_edges():
    """A function (log, options) -> the edges of `co_watch_graph` as a frame, sorted."""
    from graphvid.graphs import co_watch_graph

    def build(log, **options):
        graph = co_watch_graph(log, **options)
        src, dst = (ends.numpy() for ends in graph.edges(order="eid"))
        once = src < dst
        ids = log.video_ids.to_numpy()
        columns = {"src": ids[src[once]], "dst": ids[dst[once]], "weight": graph.edata["weight"].numpy()[once]}
        return pd.DataFrame(columns)

    return build


@pytest.fixture(scope="session")
def weighted_edges():
    """A function (num_nodes, num_edges, kind) -> (UndirectedGraph, frame of its edges, turned at random).

    Of the weights, "distinct" are all different, "equal" all the same; "count" and "cosine" are those of co-watch graphs,
    and sums of "thirds" are not exact. The last tenth of the nodes is isolated.
    """
    from graphvid.clustering import UndirectedGraph

    def draw(num_nodes, num_edges, kind):
        rng = np.random.default_rng(5)
        src, dst = rng.integers(0, num_nodes * 9 // 10, (2, num_edges))
        together, watched = rng.geometric(0.4, num_edges), rng.integers(20, 200, num_nodes)
        weight = {
            "thirds": rng.integers(1, 12, num_edges) / 3,
            "equal": np.full(num_edges, 0.1),
            "distinct": rng.random(num_edges),
            "count": together.astype(np.float32),
            "cosine": (together / np.sqrt(watched[src] * watched[dst])).astype(np.float32),
        }[kind]
        graph = UndirectedGraph.from_coo(src, dst, weight, num_nodes=num_nodes, duplicates="max")
        low, high, weight = graph.edges()
        turned = rng.random(len(low)) < 0.5
        columns = {"src": np.where(turned, high, low), "dst": np.where(turned, low, high), "weight": weight}
        return graph, pd.DataFrame(columns).sample(frac=1, random_state=0)

    return draw
