"""Training `graphvid.models.FRAME` beside its two hops over the whole graph: by ops, DGL, PyG and dense matrices.

``python -m benchmarks speed frame``. The world has the size of the paper's set A, generated: 12,739 users, 58,291 videos
of 8 clips, 342,694 views, 128 columns of features, batches of 1,024. Every measurement is a process of its own. All
methods start from the same weights, take the same batches, and their losses are checked to agree. They are:

- graphvid: the preset "survival" as users train it; the edges of the batch's own views are left out;
- own edges kept: the same with them and with every user, which is what the methods below compute;
- shared positives: `UserClipConv` over the whole graph at every step, the positives stored once a video;
- an edge a clip: the same with eight edges for a completed video, as all methods below;
- DGL: `dgl.nn.GraphConv`, PyG: `SAGEConv` without root, once a relation and hop;
- dense: two dense matrices of users times clips, the form in which the authors' release stores the graph and prepares it.
  Where they do not fit, the time is extrapolated with the FLOPs of the products, at the rate of the largest size that
  was measured. It is not the authors' training step: that turns them into sparse COO matrices, and what costs it is a
  Python loop over the pairs of a batch with thousands of picks of single rows. Run as released on 1/32 of set A, that
  loop took 51 s an epoch where ours took .60 s with the preset "official" and .30 s with "survival" on the same machine.

An epoch is the median step times the number of steps, but for the row that says that it was run. Peak memory is the
growth of the resident set since the imports, pages of the mapped features included (Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import _results
from benchmarks.speed._frame_methods import CONFIG, METHODS
from benchmarks.speed._frame_world import NUM_CLIPS, NUM_USERS, NUM_VIDEOS, make_world

Measures = dict[str, Any]
DENSE_BYTES = 13e9  # of both matrices
FANOUT = 10
_FEW = {"graphvid": (3, 10**9), "own edges kept": (3, 10**9), "dense": (1, 2)}  # warm-up and at most so many steps
_OTHERS = (2, 6)


def main(arguments: list[str]) -> None:
    """Measure, check that the losses agree, and write ``frame.json`` and ``frame.md``."""
    options = _parser().parse_args(arguments)
    report: dict[str, Any] = {"command": " ".join(["python -m benchmarks speed frame", *arguments]), "epochs": []}
    with tempfile.TemporaryDirectory() as folder:
        for part in sorted(options.sizes):
            world = _world(Path(folder), part)
            largest = part == max(options.sizes)
            report["epochs"] += _epochs(world, part, largest, options, "cpu")
            if largest and torch.cuda.is_available():
                report["epochs"] += _epochs(world, part, largest, options, "cuda")
            if largest and "graphvid" in options.only:
                report["parts"] = _run("parts", world, options, "--steps", options.steps)
        if "graphvid" in options.only:
            report["memory"] = [_memory(Path(folder), n, max(options.sizes), options) for n in options.copies]
    extrapolated = _extrapolate(report["epochs"], max(options.sizes))
    report["epochs"] += [extrapolated] if extrapolated else []
    report["machine"] = _results.machine() | {"threads": options.threads, "dim": CONFIG.dim, "hidden": CONFIG.hidden}
    if any(name.startswith("PyG") for name in options.only):
        report["machine"]["PyG"] = metadata.version("torch_geometric")
    report["machine"]["OMP_WAIT_POLICY"] = "passive"
    text = table(report)
    if not options.no_write:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "frame.json").write_text(json.dumps(report, indent=1) + "\n")
        (options.out / "frame.md").write_text(text)
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed frame", description=__doc__)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.125, 0.25, 0.5, 1.0], help="parts of set A")
    parser.add_argument("--only", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--steps", type=int, default=30, help="timed; at most 6 for whole graphs and 2 for dense")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--copies", type=int, nargs="+", default=[1, 2, 4], help="times more clips, for the memory")
    parser.add_argument("--no-epoch", action="store_true", help="do not run a whole epoch")
    parser.add_argument("--no-write", action="store_true", help="only print the tables")
    parser.add_argument("--out", type=Path, default=_results.RESULTS)
    return parser


def _world(folder: Path, part: float, copies: int = 1) -> Path:
    world = folder / f"{part}-{copies}"
    if not world.exists():
        world.mkdir()
        make_world(world, part, copies)
    return world


def _epochs(world: Path, part: float, largest: bool, options: argparse.Namespace, device: str) -> list[Measures]:
    """Measure the methods on one world; the slow ones that need no scaling on the largest alone."""
    rows: list[Measures] = []
    for method in options.only:
        too_large = method == "dense" and matrix_bytes(part) > DENSE_BYTES
        if too_large or (device != "cpu" and method == "DGL") or not (largest or method in _FEW):
            continue
        warm_up, most = _FEW.get(method, _OTHERS)
        steps = ("--method", method, "--warm-up", warm_up, "--steps", min(most, options.steps))
        row = {"method": method, "part": part, "device": device} | _run("steps", world, options, *steps, device=device)
        row["epoch_s"] = row["step_ms"] * row["steps_per_epoch"] / 1e3
        rows.append(row)
        print({k: v for k, v in row.items() if k not in ("steps_ms", "losses")}, file=sys.stderr, flush=True)
    _check(rows)
    if largest and "graphvid" in options.only and not options.no_epoch:
        row = {"method": "graphvid, an epoch run by Lightning", "part": part, "device": device}
        rows.append(row | _run("epoch", world, options, device=device))
    return rows


def _check(rows: list[Measures]) -> None:
    """Raise if methods that compute the same differ in the losses of the first steps."""
    same = [row for row in rows if row["method"] != "graphvid"]
    for row in same[1:]:
        for ours, theirs in list(zip(same[0]["losses"], row["losses"]))[:3]:
            if abs(ours - theirs) > 1e-3 * abs(ours):
                raise RuntimeError(
                    f"{row['method']} has losses {row['losses']}, {same[0]['method']} {same[0]['losses']}"
                )


def _memory(folder: Path, copies: int, part: float, options: argparse.Namespace) -> Measures:
    """Measure sampled training on the same views among more videos."""
    world = _world(folder, part, copies)
    chosen = ("--steps", 12, "--options", json.dumps({"fanout": FANOUT}))
    measured = _run("steps", world, options, *chosen)
    clips = copies * round(part * NUM_VIDEOS) * NUM_CLIPS
    return {
        "clips": clips,
        "features_bytes": (world / "clips" / "features.npy").stat().st_size,
        **{key: measured[key] for key in ("kept_bytes", "steps_bytes", "peak_bytes", "step_ms")},
    }


def _run(task: str, world: Path, options: argparse.Namespace, *more: object, device: str = "cpu") -> Measures:
    given = [task, world, "--threads", options.threads, "--device", device, *more]
    command = [sys.executable, "-m", "benchmarks.speed._frame_process", *map(str, given)]
    threads = str(options.threads)
    # Threads that spin at a barrier make figures of a busy machine meaningless; asleep they cost a few microseconds.
    settings = {"OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
    environment = {**os.environ, **settings}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    measured: Measures = json.loads(done.stdout.splitlines()[-1])
    return measured


def matrix_bytes(part: float) -> float:
    """Return the bytes of two dense float32 matrices of users times clips."""
    return 2 * 4 * round(part * NUM_USERS) * round(part * NUM_VIDEOS) * NUM_CLIPS


def matrix_flops(part: float) -> float:
    """Return the FLOPs of a step in products with them: a hop out and back, forward and backward."""
    return matrix_bytes(part) / 4 * 2 * 2 * 2 * CONFIG.dim


def _extrapolate(rows: list[Measures], part: float) -> Measures | None:
    """Return the dense step at a size at which it was not measured, None if it was, or nowhere."""
    measured = [row for row in rows if row["method"] == "dense"]
    ours = [row for row in rows if row["part"] == part and "steps_per_epoch" in row]
    if not measured or not ours or any(row["part"] == part for row in measured):
        return None
    last = max(measured, key=lambda row: row["part"])
    step_ms = last["step_ms"] * matrix_flops(part) / matrix_flops(last["part"])
    return {
        "method": f"dense, extrapolated from {last['part']:g}",
        "part": part,
        "device": "cpu",
        "step_ms": step_ms,
        "epoch_s": step_ms * ours[0]["steps_per_epoch"] / 1e3,
        "peak_bytes": matrix_bytes(part),
    }


def table(report: dict[str, Any]) -> str:
    """Return the report as markdown."""
    lines = ["# Training FRAME: time and memory of an epoch", "", *_epoch_lines(report["epochs"])]
    dense = [row for row in report["epochs"] if row["method"].startswith("dense")]
    if dense:
        lines += ["", "## Dense matrices", "", *_dense_lines(dense)]
    if "memory" in report:
        lines += ["", f"## Memory of sampled training, {FANOUT} users a clip, more and more clips", ""]
        lines += _memory_lines(report["memory"])
    if "parts" in report:
        lines += ["", "## Parts of a step", "", *_part_lines(report["parts"])]
    machine = ", ".join(f"{key} {value}" for key, value in report["machine"].items())
    return "\n".join([*lines, "", f"`{report['command']}`. {machine}."]) + "\n"


def _grid(columns: list[str], rows: list[list[object]]) -> list[str]:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return lines + ["| " + " | ".join(_results._cell(cell) for cell in row) + " |" for row in rows]


def _epoch_lines(rows: list[Measures]) -> list[str]:
    cells = []
    for row in rows:
        beside = (r for r in rows if all(r[key] == row[key] for key in ("part", "device")))
        ours = next((r["epoch_s"] for r in beside if r["method"] == "graphvid"), None)
        cells.append(
            [
                row["device"],
                row["part"],
                row["method"],
                row.get("step_ms", ""),
                row.get("step_cpu_ms", ""),
                row["epoch_s"],
                row["epoch_s"] / ours if ours else "",
                row["peak_bytes"] / 1e6,
                row.get("gigaflops", ""),
            ]
        )
    columns = ["device", "part of set A", "method", "step ms", "step CPU ms", "epoch s", "epoch / graphvid", "peak MB"]
    return _grid([*columns, "GFLOP/s of a 2,048 product in that process"], cells)


def _dense_lines(rows: list[Measures]) -> list[str]:
    cells: list[list[object]] = []
    for row in rows:
        flops = matrix_flops(row["part"])
        cells.append(
            [
                row["method"],
                row["part"],
                matrix_bytes(row["part"]) / 1e9,
                flops / 1e12,
                row["step_ms"] / 1e3,
                flops / row["step_ms"] / 1e6,
            ]
        )
    columns = ["method", "part of set A", "GB of both matrices", "TFLOP a step", "s a step", "GFLOP/s"]
    return _grid(columns, cells)


def _memory_lines(rows: list[Measures]) -> list[str]:
    names = ("features_bytes", "kept_bytes", "steps_bytes", "peak_bytes")
    cells = [[row["clips"], *(row[name] / 1e6 for name in names), row["step_ms"]] for row in rows]
    columns = ["clips", "features on disk MB", "kept between steps MB", "added by steps MB"]
    return _grid([*columns, "peak with mapped pages MB", "step ms"], cells)


def _part_lines(parts: Measures) -> list[str]:
    whole, flops = sum(parts["parts_ms"].values()), sum(parts["flops"].values())
    lines = _grid(["part", "ms", "share"], [[k, ms, ms / whole] for k, ms in parts["parts_ms"].items()])
    lines += ["", *_grid(["products of a step", "GFLOP"], [[k, value / 1e9] for k, value in parts["flops"].items()])]
    floor = flops / parts["gigaflops"] / 1e6
    counts = ", ".join(f"{value:,} {name}" for name, value in parts["rows"].items())
    return [
        *lines,
        "",
        f"Rows of a step: {counts}. A step takes {whole:.0f} ms; its {flops / 1e9:.1f} GFLOP take {floor:.0f} ms at the "
        f"{parts['gigaflops']:.0f} GFLOP/s of a large product in that process: {floor / whole:.2f} of the step.",
    ]
