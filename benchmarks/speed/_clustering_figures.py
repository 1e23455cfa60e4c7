"""Pictures of the clustering benchmark: time against edges, and what tie-breaks do to cluster sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def time_figure(report: dict[str, Any], path: Path) -> None:
    """Draw CPU time per edge at one thread against the number of edges, one panel per task, random graphs."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
    for panel, task in zip(panels, ("forest", "affinity")):
        rows = [r for r in report["rows"] if r["task"] == task and r["graph"] == "random" and r["threads"] == 1]
        for method in dict.fromkeys(r["method"] for r in rows):
            points = [(r["num_edges"], 1e9 * r["cpu_s"] / r["num_edges"]) for r in rows if r["method"] == method]
            panel.plot(*zip(*sorted(points)), marker="o", markersize=4, label=method)
        title = "maximum spanning forest" if task == "forest" else "affinity clustering, average linkage, 3 levels"
        panel.set(xscale="log", yscale="log", xlabel="edges", title=title)
        panel.grid(alpha=0.3)
        panel.legend(fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 0.1), ncols=2)  # above reading once
    panels[0].set_ylabel("CPU nanoseconds per edge, one thread")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def ties_figure(path: Path) -> None:
    """Draw the cluster sizes per level of a random graph whose weights are all equal, ties by hash and by index."""
    import matplotlib.pyplot as plt

    from graphvid.clustering import UndirectedGraph, affinity_clustering, plot_sizes

    ends = np.random.default_rng(0).integers(0, 50_000, (2, 500_000))
    graph = UndirectedGraph.from_coo(*ends, num_nodes=50_000, duplicates="max")
    figure, panels = plt.subplots(1, 2, figsize=(11, 4.5), sharex=True, sharey=True, layout="constrained")
    for panel, tie_break in zip(panels, ("hash", "index")):
        plot_sizes(affinity_clustering(graph, tie_break=tie_break), panel)
        panel.set_title(f'tie_break="{tie_break}"')
        panel.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)
