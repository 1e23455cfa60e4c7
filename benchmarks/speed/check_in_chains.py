"""Chains of check-ins and the sequences of requests, beside what one writes first.

``python -m benchmarks speed check_in_chains``.

Chains: the graph of n check-ins with its five chains, and for every one of n requests the four short-term sequences of up to
20, and the seven daily ones of up to 50 once a session. Brute force filters the user's table for each request; it is
measured on 10,000 of them and extrapolated. The chains of every size are built in a process of their own, after a small
one that compiles.

Epoch: one epoch of periodic interests on 100,000 check-ins, beside the same network (without counts) with 11 sequences a
request padded to 50 and 20, built in PyTorch by `torch.nn.GRU` with masks; both are measured on ``--batches`` batches and
extrapolated, in turns. No result is cut short by a limit on time.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks._measure import in_own_process, interleaved
from benchmarks.speed import _results
from graphvid.data import SyntheticCheckIns
from graphvid.graphs import check_in_graph
from graphvid.models.poi import PeriodicInterests, PeriodicInterestsConfig
from graphvid.sampling import CheckInChains, Requests

SHORT, DAILY, BRUTE = 20, 50, 10_000
RELATIONS = ("next", "same_hour", "same_area", "same_hour_area")


def town(num_check_ins: int) -> SyntheticCheckIns:
    """Return a town with about as many check-ins, 170 a user."""
    return SyntheticCheckIns(num_users=max(1, round(num_check_ins / 169.5)))


def sequences(chains: CheckInChains, requests: Requests) -> int:
    """Build all sequences of all requests; return how many check-ins they have."""
    total = sum(len(chains.walk(name, requests, length=SHORT).rows) for name in RELATIONS)
    _, first = np.unique(requests.user * (chains.num_check_ins + 1) + requests.session, return_index=True)
    return total + len(chains.walk_days(requests.take(first), length=DAILY).rows)


def build(num_check_ins: int) -> dict[str, float]:
    """Return the seconds of the graph, of the chains and of the sequences."""
    for size in (500, num_check_ins):
        world = town(size)
        began = time.perf_counter()
        graph = check_in_graph(world.check_ins, world.area)
        made = time.perf_counter()
        chains = CheckInChains(graph)
        linked = time.perf_counter()
        members = sequences(chains, chains.before(np.arange(chains.num_check_ins)))
        done = time.perf_counter()
    return {
        "check_ins": chains.num_check_ins,
        "graph": made - began,
        "chains": linked - made,
        "sequences": done - linked,
        "members": members,
    }


def brute_force(num_check_ins: int) -> float:
    """Return the seconds that a filter of each user's table would take for all requests, from 10,000 of them."""
    world = town(num_check_ins)
    data, area = world.check_ins, world.area[world.check_ins.poi]
    rows = np.sort(np.random.default_rng(0).choice(data.num_check_ins, min(BRUTE, data.num_check_ins), replace=False))
    sessions = data.sessions()
    began = time.perf_counter()
    seen: set[tuple[int, int]] = set()
    for row in rows:
        past = np.arange(data.indptr[data.user[row]], row)
        if not len(past):
            continue
        same_hour, same_area = data.hour[past] == data.hour[row], area[past] == area[row - 1]
        for mask in (slice(None), same_hour, same_area, same_hour & same_area):
            past[mask][-SHORT:]
        if (key := (data.user[row], sessions[row])) not in seen:
            seen.add(key)
            long_term = past[sessions[past] < sessions[row]]
            for day in range(7):
                long_term[data.weekday[long_term] == day][-DAILY:]
    return (time.perf_counter() - began) * data.num_check_ins / len(rows)


class Padded(nn.Module):
    """The network with 11 sequences a request, padded and masked; it shares its weights with a `PeriodicInterests`."""

    def __init__(self, model: PeriodicInterests) -> None:
        super().__init__()
        self.model, network = model, model.network
        self.gru = nn.ModuleDict()
        for name, mine in network.recurrent.items():
            gru = nn.GRU(mine.input_dim, mine.dim, batch_first=True)
            gru.weight_ih_l0, gru.bias_ih_l0 = mine.project.weight, mine.project.bias
            gru.weight_hh_l0, gru.bias_hh_l0 = mine.recur.weight, mine.recur.bias
            self.gru[name] = gru

    def loss(self, picked: np.ndarray) -> Tensor:
        """Return the loss of some training check-ins."""
        model, network, chains = self.model, self.model.network, self.model.chains
        requests, target = model._requests.take(picked), model._targets[torch.from_numpy(picked)]
        user = network.user(torch.from_numpy(requests.user))
        context = network._context(user, requests)
        states, masks = [], []
        days = chains.walk_days(requests, length=DAILY)
        z, filled = self.run("daily", days.indptr, days.rows, DAILY)
        long, _ = attend(network.intra, z.reshape(len(picked), 7, -1), filled.reshape(len(picked), 7), context)
        states.append(long)
        masks.append(filled.reshape(len(picked), 7).any(1))
        for name, relation in (
            ("sequential", "next"),
            ("hour", "same_hour"),
            ("area", "same_area"),
            ("hour_area", "same_hour_area"),
        ):
            walk = chains.walk(relation, requests, length=SHORT)
            z, filled = self.run(name, walk.indptr, walk.rows, SHORT)
            states.append(z)
            masks.append(filled)
        h, _ = attend(network.inter, torch.stack(states, 1), torch.stack(masks, 1), context)
        logits = torch.addmm(model.bias, h + user, network.check_in.poi.weight[:-1].t())
        return torch.nn.functional.cross_entropy(logits, target)

    def run(self, name: str, indptr: np.ndarray, rows: np.ndarray, length: int) -> tuple[Tensor, Tensor]:
        """Return the last state of every list, padded to ``length``, and which lists have a member."""
        model, chains = self.model, self.model.chains
        counts = np.diff(indptr)
        place = np.minimum(indptr[:-1, None] + np.arange(length), max(len(rows) - 1, 0))
        member = rows[place] if len(rows) else np.zeros_like(place)
        columns = (
            model.places.number[chains.poi[member]],
            chains.area[member],
            chains.hour[member],
            chains.weekday[member],
        )
        x = model.network.check_in(*(torch.from_numpy(column.reshape(-1)) for column in columns))
        out, _ = self.gru[name](x.reshape(len(counts), length, -1))
        last = torch.from_numpy(np.maximum(counts - 1, 0))
        filled = torch.from_numpy(counts > 0)
        return out[torch.arange(len(counts)), last] * filled[:, None], filled


def attend(layer: Any, states: Tensor, filled: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:  # Any: an attention
    """Do what `InterestAttention` does, with masks."""
    keys = torch.tanh(layer.of_interest(states) + layer.of_context(context)[:, None])
    scores = (keys @ layer.score).masked_fill(~filled, -1e9)
    weights = torch.softmax(scores, 1)
    mixed = (weights[..., None] * states).sum(1)
    return torch.where(filled.any(1)[:, None], mixed, layer.default), weights


def epoch(num_check_ins: int, num_batches: int, repeats: int) -> dict[str, float]:
    """Return the seconds of an epoch of both, extrapolated from some batches, and how far their losses are apart."""
    torch.set_num_threads(1)
    world = town(num_check_ins)
    rows = np.arange(world.check_ins.num_check_ins)
    graph = check_in_graph(world.check_ins, world.area)
    model = PeriodicInterests(graph, rows, PeriodicInterestsConfig(counts=False, dropout=0.0))
    padded = Padded(model)
    batches = [batch.row.numpy() for batch, _ in zip(model.train_dataloader(), range(num_batches))]
    with torch.no_grad():
        apart = max(abs(float(model.loss(rows) - padded.loss(rows))) for rows in batches)

    def run(loss: Any) -> None:  # Any: a method of either
        for rows in batches:
            model.zero_grad()
            loss(rows).backward()

    seconds = interleaved({"graphvid": lambda: run(model.loss), "padded": lambda: run(padded.loss)}, repeats=repeats)
    scale = model.steps_per_epoch / num_batches
    found = {name: value * scale for name, value in seconds.items()}
    return {**found, "ratio": found["padded"] / found["graphvid"], "losses_apart": apart}


def main(arguments: list[str]) -> None:
    """Measure and write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks speed check_in_chains")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--epoch", type=int, default=100_000, help="check-ins of the epoch; 0 leaves it out")
    parser.add_argument("--batches", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    rows = []
    for size in options.sizes:
        found, cost = in_own_process(build, size)
        brute = brute_force(size)
        rows.append({**found, "brute_force": brute, "peak_mb": cost.peak_mb, "grown_mb": cost.grown_mb})
        print(*rows[-1].values(), flush=True)
    title = "Chains of check-ins and the sequences of requests, seconds"
    print(_results.write("check_in_chains", title, rows, batches=options.batches, repeats=options.repeats))
    if options.epoch:
        found = epoch(options.epoch, options.batches, options.repeats)
        title = f"An epoch on {options.epoch:,} check-ins, seconds"
        command = "python -m benchmarks speed check_in_chains"
        print(_results.write("check_in_chains_epoch", title, [found], command=command, batches=options.batches))
