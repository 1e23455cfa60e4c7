"""Message passing on a GPU: parity with the CPU, then speed beside cuSPARSE and PyTorch Geometric.

``python -m benchmarks gpu`` needs PyTorch with CUDA, Triton and this repository; PyTorch Geometric where it is there. It
checks every operation, measures, and writes ``results/speed/gpu.json`` and ``gpu.md`` with the date, the chip and the
versions. DGL is not used.

The floor of a sum is the time that its bytes take at the bandwidth of a copy measured in the same run: an index and a
row of features for every edge, and a row for every node.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata, util
from itertools import product
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.speed._message_passing import Graph, adjacency, make_graph, median_ms, pyg_sum
from graphvid.ops import Adjacency, Relations, use_backend

RESULTS = Path(__file__).parent / "results" / "speed"
TITLE = "# Message passing on a GPU, median milliseconds\n\n"
MESSAGE_SHARE = 0.3  # of the GPU's memory that PyTorch Geometric's messages may take
NODES = (40, 30)  # sources and destinations of the graphs of the comparison
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10, torch.float16: 4e-3, torch.bfloat16: 3e-2}


def main(arguments: Sequence[str]) -> int:
    """Check, measure and write; without a CUDA device say so and change nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10**6, 10**7, 5 * 10**7, 2 * 10**8], help="edges")
    parser.add_argument("--dims", type=int, nargs="+", default=[32, 64, 128, 256])
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("no CUDA device: nothing was measured, the results are as they were", file=sys.stderr)
        return 1
    print(f"{check_parity()} comparisons with the CPU agree", file=sys.stderr)
    bandwidth = copy_bandwidth("cuda")
    rows = list(measure(options.sizes, options.dims, bandwidth, "cuda"))
    options.out.mkdir(parents=True, exist_ok=True)
    report = {
        "command": "python -m benchmarks gpu",
        "machine": _machine(),
        "copy_gigabytes_a_second": bandwidth / 1e9,
        "rows": rows,
    }
    (options.out / "gpu.json").write_text(json.dumps(report, indent=1) + "\n")
    (options.out / "gpu.md").write_text(table(report))
    print(table(report))
    return 0


def check_parity(device: str = "cuda", dtypes: Sequence[torch.dtype] = tuple(TOLERANCE)) -> int:
    """Compare the Triton and PyTorch backends on ``device`` with the CPU, forward and backward; return how often."""
    compared = 0
    for kind, dtype in product(("random", "hub", "empty"), dtypes):
        for name, operation in _operations(kind, dtype).items():
            expected = operation("cpu")
            for backend in ("triton", "torch"):
                with use_backend(backend):
                    got = operation(device)
                for a, b in zip(got, expected):
                    tolerance = TOLERANCE[dtype]
                    message = f"{backend}: {name} on a {kind} graph in {dtype}"
                    torch.testing.assert_close(
                        a.cpu(), b, rtol=tolerance, atol=tolerance, msg=lambda text, m=message: f"{m}: {text}"
                    )
                    compared += 1
    return compared


def _operations(kind: str, dtype: torch.dtype) -> dict[str, Callable[[str], list[Tensor]]]:
    random = torch.Generator().manual_seed(0)
    num_edges = {"random": 200, "hub": 300, "empty": 0}[kind]
    num_src, num_dst = NODES
    src = torch.randint(num_src, (num_edges,), generator=random)
    dst = torch.zeros_like(src) if kind == "hub" else torch.randint(num_dst, (num_edges,), generator=random)
    x = torch.randn(num_src, 2, 24, generator=random).to(dtype)
    v = torch.randn(num_dst, 2, 24, generator=random).to(dtype)
    weight = torch.rand(num_edges, 2, generator=random).to(dtype)

    def run(function: Callable[[Adjacency, list[Tensor]], Tensor], *inputs: Tensor) -> Callable[[str], list[Tensor]]:
        def on(device: str) -> list[Tensor]:
            ends = Adjacency.from_coo(src, dst, num_src=num_src, num_dst=num_dst, norm="both").to(device)
            leaves = [t.to(device).requires_grad_() for t in inputs]
            out = function(ends, leaves)
            grad = torch.linspace(0.5, 1, out.numel()).view(out.shape).to(out)  # of one sign: no cancellation
            return [out.detach(), *torch.autograd.grad(out, leaves, grad)]

        return on

    def related(ends: Adjacency, leaves: list[Tensor]) -> Tensor:
        pair = Relations([ends, ends.with_weight(leaves[1][:, 0])])
        return pair.spmm([leaves[0][:, 0], leaves[0][:, 1]], combine="mean", activation="relu")

    sums = {f"spmm {r}": run(lambda a, t, r=r: a.spmm(*t, reduce=r), x, weight) for r in ("sum", "mean", "max")}
    return {
        **sums,
        "spmm relu": run(lambda a, t: a.spmm(t[0], relu=True), x),
        "transposed": run(lambda a, t: a.t().spmm(t[0]), v),
        "dot": run(lambda a, t: a.sddmm(*t), x, v),
        "add": run(lambda a, t: a.sddmm(*t, op="add"), x, v),
        "softmax": run(lambda a, t: a.edge_softmax(t[0]), weight),
        "relations": run(related, x, weight),
    }


def copy_bandwidth(device: str, num_bytes: int = 1 << 30) -> float:
    """Return bytes a second of a copy, read and written bytes together."""
    source = torch.empty(num_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * num_bytes / (1e-3 * median_ms({"copy": lambda: target.copy_(source)}, device)["copy"])


def measure(
    sizes: Sequence[int], dims: Sequence[int], bandwidth: float, device: str
) -> Iterator[dict[str, str | float]]:
    """Yield a row for every size, kind of degrees and width: sums, then two relations with an activation."""
    for num_edges, kind in product(sizes, ("uniform", "power-law")):
        graph = make_graph(kind, num_edges, device)
        other = make_graph("uniform" if kind == "power-law" else "power-law", num_edges, device)
        for dim in dims:
            if device == "cuda" and 12 * graph.num_nodes * dim * 4 > torch.cuda.get_device_properties(0).total_memory:
                continue
            for operation, calls in (("sum", _sums(graph, dim)), ("two relations", _relations(graph, other, dim))):
                first = calls["graphvid"]()
                for name, call in calls.items():
                    torch.testing.assert_close(call(), first, rtol=1e-4, atol=1e-4, msg=f"{name} differs: {operation}")
                times = median_ms(calls, device)
                relations = 1 if operation == "sum" else 2
                edge_bytes = relations * num_edges * (4 + 4 * dim)
                floor = 1e3 * (edge_bytes + 4 * graph.num_nodes * (relations + dim)) / bandwidth
                yield {
                    "operation": operation,
                    "degrees": kind,
                    "edges": num_edges,
                    "dim": dim,
                    **times,
                    "floor": floor,
                    "share of floor": floor / times["graphvid"],
                    "cuSPARSE / graphvid": times["cuSPARSE"] / times["graphvid"],
                }


def _sums(graph: Graph, dim: int) -> dict[str, Callable[[], Tensor]]:
    x, ours = torch.rand(graph.num_nodes, dim, device=graph.src.device), adjacency(graph)
    calls: dict[str, Callable[[], Tensor]] = {
        "graphvid": lambda: ours.spmm(x),
        "cuSPARSE": lambda: torch.sparse.mm(graph.matrix, x),
    }
    memory = torch.cuda.get_device_properties(0).total_memory if graph.src.is_cuda else 1 << 30
    if util.find_spec("torch_geometric") and 4 * len(graph.src) * dim < MESSAGE_SHARE * memory:
        scatter = pyg_sum(graph)
        calls["PyG"] = lambda: scatter(x)
        if graph.src.is_cuda:
            compiled = torch.compile(scatter)
            calls["PyG compiled"] = lambda: compiled(x)
    return calls


def _relations(first: Graph, second: Graph, dim: int) -> dict[str, Callable[[], Tensor]]:
    x = torch.rand(2, first.num_nodes, dim, device=first.src.device) - 0.5
    ours, pair = Relations([adjacency(first), adjacency(second)]), x.unbind()

    def apart() -> Tensor:
        sums = (torch.sparse.mm(graph.matrix, features) for graph, features in zip((first, second), pair))
        return sum(torch.relu(y) for y in sums) / 2

    return {"graphvid": lambda: ours.spmm(pair, combine="mean", activation="relu"), "cuSPARSE": apart}


def _machine() -> dict[str, str]:
    names = ("torch", "triton", "torch_geometric", "numpy")
    found = {name: metadata.version(name) for name in names if util.find_spec(name)}
    chip = torch.cuda.get_device_name()
    return {"date": datetime.date.today().isoformat(), "chip": chip, "CUDA": str(torch.version.cuda), **found}


def table(report: dict[str, object]) -> str:
    """Return the report as markdown."""
    rows: list[dict[str, str | float]] = report["rows"]  # type: ignore[assignment]
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(row.get(c, "")) for c in columns) + " |" for row in rows]
    machine = ", ".join(f"{key} {value}" for key, value in report["machine"].items())  # type: ignore[attr-defined]
    copied = f"A copy moves {report['copy_gigabytes_a_second']:.0f} GB/s."
    return TITLE + "\n".join(lines) + f"\n\n`python -m benchmarks gpu`. {copied} {machine}.\n"


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,}" if isinstance(value, int) else f"{value:,.3g}"
