"""Logs and graphs in Parquet, and what the Numba kernels make of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphvid.clustering import UndirectedGraph
from graphvid.data import WatchLog
from graphvid.graphs import co_watch_graph

pytest.importorskip("duckdb")


def write_in_parts(frame: pd.DataFrame, folder, num_parts: int, seed: int = 0):
    """Write the rows, shuffled, as a folder of files."""
    folder.mkdir()
    rows = np.random.default_rng(seed).permutation(len(frame))
    for part, chosen in enumerate(np.array_split(rows, num_parts)):
        frame.iloc[chosen].to_parquet(folder / f"part-{part}.parquet", index=False)
    return folder


@pytest.fixture(scope="session")
def in_parts():
    return write_in_parts


@pytest.fixture(scope="session")
def skewed_log():
    """Return a function (num_rows, text) -> WatchLog of which a tenth of the users are heavy."""

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
    """Return a function (log, options) -> the edges of `co_watch_graph` as a frame, sorted."""

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
    """Return a function (num_nodes, num_edges, kind) -> (UndirectedGraph, frame of its edges, turned at random)."""

    def draw(num_nodes, num_edges, kind):
        rng = np.random.default_rng(5)
        src, dst = rng.integers(0, num_nodes * 9 // 10, (2, num_edges))  # the last tenth is isolated
        weight = {
            "thirds": rng.integers(1, 12, num_edges) / 3,
            "equal": np.full(num_edges, 0.1),
            "distinct": rng.random(num_edges),
        }[kind]
        graph = UndirectedGraph.from_coo(src, dst, weight, num_nodes=num_nodes, duplicates="max")
        low, high, weight = graph.edges()
        turned = rng.random(len(low)) < 0.5
        columns = {"src": np.where(turned, high, low), "dst": np.where(turned, low, high), "weight": weight}
        return graph, pd.DataFrame(columns).sample(frac=1, random_state=0)

    return draw
