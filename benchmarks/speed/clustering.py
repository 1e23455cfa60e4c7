"""Spanning forests and affinity clustering beside SciPy, igraph, rustworkx and networkx, in the same run.

``python -m benchmarks speed clustering --sizes 1000000 10000000`` writes JSON and a markdown table. Every measurement
is a process of its own: it prepares its library's form of the graph, warms up on a small part (compiled code is
loaded), then takes the best of the repeats. CPU seconds beside wall seconds tell whether the machine was busy with
something else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed._clustering_figures import ties_figure, time_figure
from benchmarks.speed._clustering_graphs import GRAPHS
from benchmarks.speed._clustering_methods import INDEPENDENT, METHODS

RESULTS = Path(__file__).parents[1] / "results" / "speed"
LIMITS = {"networkx": 200_000, "rustworkx": 2_000_000, "igraph": 12_000_000}  # edges; they need minutes beyond


def main(arguments: list[str]) -> None:
    """Run the benchmark and write ``clustering.json`` and ``clustering.md``."""
    options = _parser().parse_args(arguments)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.graphs:
            for size in options.sizes:
                num_nodes, low, high, weight = GRAPHS[name](size, np.random.default_rng(0))
                path = Path(folder) / "graph.npz"
                np.savez(path, num_nodes=num_nodes, low=low, high=high, weight=weight)
                common = {"graph": name, "num_nodes": num_nodes, "num_edges": len(low)}
                del low, high, weight
                for task, method, threads in _plan(options, common["num_edges"]):
                    measured = _measure(task, method, path, threads, options.repeats)
                    rows.append({**common, "task": task, "method": method, "threads": threads, **measured})
                    print(_line(rows[-1]), file=sys.stderr, flush=True)
    _check(rows)
    options.out.mkdir(parents=True, exist_ok=True)
    sizes = " to ".join(f"{size:,}" for size in sorted({min(options.sizes), max(options.sizes)}))
    report = {
        "title": f"Spanning forests and affinity clustering, {sizes} edges",
        "command": shlex.join(["python", "-m", "benchmarks", "speed", "clustering", *arguments]),
        "machine": _machine(),
        "rows": rows,
    }
    (options.out / f"{options.name}.json").write_text(json.dumps(report, indent=1) + "\n")
    (options.out / f"{options.name}.md").write_text(table(report))
    if options.figures:
        time_figure(report, options.out / f"{options.name}_time.png")
        ties_figure(options.out / f"{options.name}_ties.png")
    print(table(report))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed clustering", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**5, 10**6, 10**7], help="numbers of edges")
    parser.add_argument("--graphs", nargs="+", default=list(GRAPHS), choices=list(GRAPHS))
    parser.add_argument("--tasks", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="for graphvid; the others use one")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", help="methods by their full names, default all")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--name", default="clustering", help="of the files written")
    parser.add_argument("--figures", action="store_true", help="also draw time against edges, and ties and sizes")
    return parser


def _plan(options: argparse.Namespace, num_edges: int) -> list[tuple[str, str, int]]:
    """Return (task, method, threads) of what is to be measured on a graph."""
    plan = []
    for task in options.tasks:
        for method in METHODS[task]:
            if num_edges > LIMITS.get(method, num_edges):
                continue
            if options.only and method not in options.only:
                continue
            plan += [
                (task, method, t)
                for t in (options.threads if method in ("graphvid", INDEPENDENT) else options.threads[:1])
            ]
    return plan


def _measure(task: str, method: str, path: Path, threads: int, repeats: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.speed._clustering_methods", task, method, path, threads, repeats]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([str(x) for x in command], capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{task} by {method} failed: {done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _check(rows: list[dict[str, Any]]) -> None:
    """Raise if methods that are given the same float64 weights differ in the total weight or in the clusters."""
    for row in rows:
        first = next(r for r in rows if all(r[k] == row[k] for k in ("graph", "num_edges", "task")))
        exact = not any(form in row["method"] for form in ("DGL", "shuffled", "read once"))
        if exact and not np.isclose(row["result"], first["result"], rtol=1e-9):
            raise RuntimeError(f"{row['method']} found {row['result']}, {first['method']} {first['result']}: {row}")


def _machine() -> dict[str, Any]:
    processors = [x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")]
    names = ("graphvid", "numba", "numpy", "scipy", "igraph", "rustworkx", "networkx")
    return {
        "processor": processors[0].split(": ")[1] if processors else platform.processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_at_the_end": os.getloadavg()[0],
        **{name: metadata.version(name) for name in names},
    }


def _line(row: dict[str, Any]) -> str:
    per_edge = 1e9 / row["num_edges"]
    return (
        f"{row['task']} {row['graph']} {row['num_edges']:,} {row['method']} x{row['threads']}: "
        f"{row['wall_s'] * per_edge:.1f} ns/edge wall, {row['cpu_s'] * per_edge:.1f} CPU, "
        f"{row['peak_bytes'] / 1e6:.0f} MB"
    )


def table(report: dict[str, Any]) -> str:
    """Return the results as markdown: one row per graph, size, task, method and number of threads."""
    machine = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in report["machine"].items())
    lines = [
        f"Measured by `{report['command']}` on {machine}.",
        "",
        "| task | graph | nodes | edges | method | threads | wall ns/edge | CPU ns/edge | peak MB | baseline / this |",
        "|---|---|--:|--:|---|--:|--:|--:|--:|--:|",
    ]
    for row in report["rows"]:
        per_edge = 1e9 / row["num_edges"]
        same = [r for r in report["rows"] if all(r[k] == row[k] for k in ("graph", "num_edges", "task"))]
        spent = row["cpu_s"] if row["threads"] == 1 else row["wall_s"]
        ratio = " / ".join(f"{r['cpu_s'] / spent:.1f}" for r in same if r["method"].startswith("scipy"))
        lines.append(
            f"| {row['task']} | {row['graph']} | {row['num_nodes']:,} | {row['num_edges']:,} | {row['method']} "
            f"| {row['threads']} | {row['wall_s'] * per_edge:.1f} | {row['cpu_s'] * per_edge:.1f} "
            f"| {row['peak_bytes'] / 1e6:.0f} | {ratio} |"
        )
    lines += [
        "",
        "The baselines are SciPy's, in the order listed; their CPU time is compared with the CPU time of one thread,",
        "else with wall time.",
    ]
    return "\n".join(lines) + "\n"
