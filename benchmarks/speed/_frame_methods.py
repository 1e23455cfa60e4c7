"""Methods of the FRAME benchmark.

Every method takes the same batches, starts from the same weights and has the same projection, scorer, head and optimiser.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import statistics
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.speed import _frame_peers as peers
from benchmarks.speed._frame_world import DIM, NUM_CLIPS, read_world
from graphvid.data import ClipFeatures, WatchLog
from graphvid.models import FRAME, FRAMEConfig
from graphvid.models.frame.network import FRAMENetwork
from graphvid.models.frame.views import ViewBatch
from graphvid.sampling import ShuffledBatches

CONFIG = FRAMEConfig(num_epochs=1)
WARM_UP = 3  # steps before the clock starts
_FORMS: dict[str, Callable[[Any, peers.LabelledLog], nn.Module]] = {
    "shared positives": lambda conv, views: peers.Ops(conv, views, shared=True),
    "an edge a clip": lambda conv, views: peers.Ops(conv, views, shared=False),
    "DGL": peers.dgl_layers,
    "PyG, edge_index": lambda conv, views: peers.pyg_layers(conv, views, sparse=False),
    "PyG, torch.sparse": lambda conv, views: peers.pyg_layers(conv, views, sparse=True),
    "dense": peers.Dense,
}
_OURS: dict[str, dict[str, Any]] = {
    "graphvid": {},
    "own edges kept": {"target_edges": "include", "cold_user_share": 0.0},
}
METHODS = (*_OURS, *_FORMS)


class WholeGraph(nn.Module):
    """FRAME with both hops over the whole graph, and scores of the rows of the batch."""

    def __init__(self, form: str, log: WatchLog, clips: ClipFeatures, device: str) -> None:
        super().__init__()
        views = peers.LabelledLog.of(log, device)
        self.network = make_network()
        self.features = _standardized(clips, views).to(device)
        self.hops = _FORMS[form](self.network.conv, views)
        if not isinstance(self.hops, (peers.Ops, peers.Dense)):
            del self.network.conv
        self.targets = ViewBatch(*(torch.from_numpy(getattr(views.labels, name)) for name in ViewBatch._fields))
        self.to(device)

    def scores(self, user: Tensor, video: Tensor, step: int) -> Tensor:
        """Return (num_views, num_clips)."""
        own = self.network.project(self.features)
        of_users, seen = self.hops(own)
        of_clips = (self.network.mix[0] * own + self.network.mix[1] * seen).view(-1, NUM_CLIPS, self.network.scorer.dim)
        users, user_index = torch.unique(user, return_inverse=True)
        videos, video_index = torch.unique(video, return_inverse=True)
        scores: Tensor = self.network.scorer(of_users[:, users], of_clips[videos], user_index, video_index)
        return scores


def make_network() -> FRAMENetwork:
    """Return the network from which all methods start."""
    torch.manual_seed(0)
    return FRAMENetwork(DIM, NUM_CLIPS, CONFIG)


def make_model(method: str, log: WatchLog, clips: ClipFeatures, device: str, **options: Any) -> FRAME | WholeGraph:
    """Return what a method trains; ``options`` are of `FRAMEConfig`."""
    if method not in _OURS:
        return WholeGraph(method, log, clips, device)
    model = FRAME(log, clips, replace(CONFIG, **_OURS[method], **options))
    model.network.load_state_dict(make_network().state_dict())
    return model.to(device)


def steps(model: FRAME | WholeGraph, batches: Iterable[ViewBatch], device: str) -> Iterator[float]:
    """Train at a constant rate; yield the loss of every step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=CONFIG.learning_rate, weight_decay=CONFIG.weight_decay)
    for step, batch in enumerate(batches):
        user, video, stop = (ids.to(device) for ids in batch)
        optimizer.zero_grad()
        loss = model.network.loss(model.scores(user, video, step=step), stop, torch.zeros_like(stop))
        loss.backward()
        optimizer.step()
        yield loss.item()


def time_steps(
    method: str, folder: Path, num_steps: int, warm_up: int = WARM_UP, device: str = "cpu", **options: Any
) -> dict[str, Any]:
    """Return milliseconds of setting up and of every step, losses, and memory beyond imports.

    ``kept_bytes`` are what is held between steps, without pages of mapped files; ``steps_bytes`` are what the steps add
    to the resident set; ``peak_bytes`` are all, mapped pages included (on a GPU, what PyTorch allocated there).
    """
    rate = matmul_rate(device)
    before, private = _settle(), _status("RssAnon")
    started = time.perf_counter()
    model = make_model(method, *read_world(folder), device, **options)
    set_up = time.perf_counter() - started
    batches = ShuffledBatches(model.targets, CONFIG.batch_size, 1, CONFIG.seed, 0)
    num_steps = min(warm_up + num_steps, len(batches))
    trained = steps(model, islice(iter(batches), num_steps), device)
    set_up_peak = _status("VmHWM") - before
    resident, kept = _settle(), _status("RssAnon") - private
    losses, taken, spent = [], [], []
    for _ in range(num_steps):
        clock = time.perf_counter(), time.process_time()
        losses.append(next(trained))
        taken.append(1e3 * (time.perf_counter() - clock[0]))
        spent.append(1e3 * (time.process_time() - clock[1]))
    peak = _status("VmHWM")
    on_gpu = device != "cpu"
    return {
        "step_ms": statistics.median(taken[warm_up:]),
        "step_cpu_ms": statistics.median(spent[warm_up:]),
        "steps_ms": taken[warm_up:],
        "steps_per_epoch": len(batches),
        "losses": losses,
        "set_up_s": set_up,
        "gigaflops": rate / 1e9,
        "kept_bytes": kept,
        "steps_bytes": peak - resident,
        "peak_bytes": torch.cuda.max_memory_allocated() if on_gpu else max(peak - before, set_up_peak),
    }


def time_epoch(folder: Path, device: str = "cpu") -> dict[str, Any]:
    """Train one epoch as a user does, with Lightning; return seconds and memory beyond imports."""
    from lightning import Trainer

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    rate, before = matmul_rate(device), _settle()
    model = FRAME(*read_world(folder), CONFIG)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on workers and loggers
        Trainer(
            max_steps=len(model.train_dataloader()),
            logger=False,
            enable_checkpointing=False,
            accelerator=device,
            devices=1,
            enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(model)
    seconds = time.perf_counter() - started
    return {"epoch_s": seconds, "gigaflops": rate / 1e9, "peak_bytes": _status("VmHWM") - before}


def matmul_rate(device: str, size: int = 2048) -> float:
    """Return FLOP a second of a float32 product of square matrices, the median of seven."""
    a, b = torch.rand(2, size, size, device=device)
    spent = []
    for _ in range(8):
        started = time.perf_counter()
        torch.mm(a, b)
        if device != "cpu":
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - started)
    return 2 * size**3 / statistics.median(spent[1:])


def _standardized(clips: ClipFeatures, views: peers.LabelledLog) -> Tensor:
    """Return all clips, (num_clips, dim), with mean 0 and deviation 1 over those of the watched videos."""
    features = np.array(clips.array)
    seen = np.unique(views.labels.video)
    mean = features[seen].mean((0, 1), dtype=np.float64)
    scale = features[seen].std((0, 1), dtype=np.float64)
    features -= mean.astype(np.float32)
    features /= scale.astype(np.float32)
    return torch.from_numpy(features.reshape(-1, DIM))


def _settle() -> int:
    """Give freed memory back, forget the peak of resident memory and return the present figure, in bytes (Linux)."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
