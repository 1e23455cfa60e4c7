"""Parts of a step of FRAME: the time of each, and of what it cannot do without."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed._frame_methods import CONFIG, WARM_UP, make_model, matmul_rate
from benchmarks.speed._frame_world import read_world
from graphvid.models import FRAME
from graphvid.models.frame.views import ViewBatch
from graphvid.sampling import ShuffledBatches


class Clock:
    """Milliseconds spent in named calls; a call inside another counts for itself alone."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def run(self, name: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call and add up the time."""
        started = self._now()
        self._inner.append(0.0)
        result = call(*arguments, **options)
        taken = self._now() - started
        self.spent[name] += taken - self._inner.pop()
        self._inner[-1] += taken
        return result

    def watch(self, owner: Any, method: str, name: str) -> None:
        """Time all calls of a method of one object."""
        call = getattr(owner, method)
        setattr(owner, method, lambda *arguments, **options: self.run(name, call, *arguments, **options))

    def _now(self) -> float:
        if self.device != "cpu":
            torch.cuda.synchronize()
        return 1e3 * time.perf_counter()


def floor_of(model: FRAME, counts: Counter[str]) -> dict[str, float]:
    """Return the FLOPs of a step by its matrix products, from the numbers of rows in them.

    Forward, and backward twice as much; the features have no gradient, so their projection is counted once there.
    """
    config, rows = model.config, counts
    dim, hidden = config.dim, config.hidden
    return {
        "projection": 2 * 2 * model.clips.dim * dim * (2 * rows["users"] + rows["clips"]),
        "hops": 3 * 2 * 2 * dim * dim * 2 * rows["users"],
        "messages": 2 * 2 * dim * rows["edges"],
        "scorer, users": 3 * 2 * 2 * dim * hidden * rows["scored users"],
        "scorer, clips": 3 * 2 * 2 * dim * hidden * rows["clips"],
        "scorer, products": 3 * 2 * 2 * dim * hidden * rows["pairs"],
        "scorer, output": 3 * 2 * 2 * hidden * rows["pairs"],
    }


def time_parts(folder: Path, num_steps: int, device: str = "cpu") -> dict[str, Any]:
    """Return mean milliseconds a step of every part, FLOPs of its products and the rate of a large product."""
    model = make_model("graphvid", *read_world(folder), device)
    assert isinstance(model, FRAME)
    optimizer = torch.optim.AdamW(model.parameters(), lr=CONFIG.learning_rate)
    batches = iter(ShuffledBatches(model.targets, CONFIG.batch_size, 1, CONFIG.seed, 0))
    clock, counts = _watch(model, device)

    def step(number: int, batch: ViewBatch) -> None:
        user, video, stop = (ids.to(device) for ids in batch)
        optimizer.zero_grad()
        scores = clock.run("other", model.scores, user, video, step=number)
        loss = clock.run("loss", model.network.loss, scores, stop, torch.zeros_like(stop))
        clock.run("backward", loss.backward)
        clock.run("optimiser", optimizer.step)

    for number, batch in enumerate(islice(batches, WARM_UP)):
        step(number, batch)
    clock.spent.clear()
    counts.clear()
    done = 0
    for number, batch in enumerate(islice(batches, num_steps)):
        step(WARM_UP + number, batch)
        done += 1
    means = Counter({name: round(count / done) for name, count in counts.items()})
    return {
        "parts_ms": {name: spent / done for name, spent in clock.spent.items()},
        "rows": dict(means),
        "flops": floor_of(model, means),
        "gigaflops": matmul_rate(device) / 1e9,
    }


def _watch(model: FRAME, device: str) -> tuple[Clock, Counter[str]]:
    """Time the parts of `FRAME.scores`, and count the rows that its products take."""
    clock, counts = Clock(device), Counter[str]()
    clock.watch(model.inputs, "forward", "read clips")
    for relation in model.training_relations:
        clock.watch(relation, "edges", "find edges")
        clock.watch(relation, "user_sums", "correct sums")
        clock.watch(relation, "into_nodes", "weigh edges")
    clock.watch(model.network, "users", "users")
    clock.watch(model.network, "clips", "clips")
    clock.watch(model.network.scorer, "forward", "scorer")

    def count_scores(_: Any, arguments: tuple[Any, ...]) -> None:
        users, clips, place, _video = arguments
        counts["scored users"] += users.shape[1]
        counts["clips"] += clips.shape[0] * clips.shape[1]
        counts["pairs"] += len(place) * clips.shape[1]

    model.network.scorer.register_forward_pre_hook(count_scores)
    second_hop = model.network.conv.clips

    def count_hop(into_clips: Any, users: torch.Tensor) -> torch.Tensor:
        counts["users"] += users.shape[1]
        counts["edges"] += sum(adjacency.num_edges for adjacency in into_clips)
        return second_hop(into_clips, users)

    setattr(model.network.conv, "clips", count_hop)  # noqa: B010 - a method of one object
    return clock, counts
