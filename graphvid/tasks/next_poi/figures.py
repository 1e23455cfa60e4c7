"""Figures of the next place: ranks of the visited places, by method, area, history and hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid import runs
from graphvid.metrics import expected_ranks, target_scores
from graphvid.models.poi import (
    CountMixture,
    CountPart,
    CountsConfig,
    KnownPlaces,
    PeriodicInterests,
    PeriodicInterestsConfig,
)
from graphvid.runs import Verdict
from graphvid.sampling import CheckInChains, Requests

from .source import LoadedCheckIns

CUT_OFFS = (1, 5, 10, 20)
MONITORED = 10
_BLOCK = 512
_HISTORY_BINS = (0, 1, 5, 10, 20, 50, 100, 200)
Scorer = Callable[[Requests], Tensor]


class Asked(NamedTuple):
    """Check-ins to predict.

    Parameters
    ----------
    rows : ndarray of int64
        Their rows.
    requests : Requests
        One request for each check-in.
    target : ndarray of int64
        Candidate of each check-in; the number of candidates for a place outside training.
    """

    rows: NDArray[np.int64]
    requests: Requests
    target: NDArray[np.int64]


def ask(chains: CheckInChains, places: KnownPlaces, rows: NDArray[np.int64]) -> Asked:
    """Return the requests whose answers are some check-ins."""
    return Asked(rows, chains.before(rows), places.number[chains.poi[rows]])


def rank_targets(score: Scorer, asked: Asked, num_places: int) -> Tensor:
    """Return the expected rank of every target among all candidates, infinity for an unknown place."""
    ranks = torch.full((len(asked.rows),), torch.inf, dtype=torch.float64)
    known = np.flatnonzero(asked.target < num_places)
    for picked in np.split(known, np.arange(_BLOCK, len(known), _BLOCK)):
        if len(picked):
            scores = score(asked.requests.take(picked))
            ranks[torch.from_numpy(picked)] = expected_ranks(scores, torch.from_numpy(asked.target[picked]))
    return ranks


def figures(ranks: Tensor) -> dict[str, Any]:
    """Return recall, NDCG and MAP at each cut-off over the known targets, and recall with the unknown ones as misses."""
    known = ranks[torch.isfinite(ranks)]
    if not len(known):
        raise ValueError("there must be a target that training saw, got none")
    found: dict[str, Any] = {}
    for k in CUT_OFFS:
        scores = target_scores(known, k=k)
        found[str(k)] = {
            "recall": scores.recall,
            "ndcg": scores.ndcg,
            "map": scores.map,
            "recall_of_all": float((ranks <= k).double().mean()),
        }
    return found


def judge(model: PeriodicInterests, rows: NDArray[np.int64]) -> Callable[[PeriodicInterests], dict[str, float]]:
    """Return the function that computes Recall and NDCG at 10 of a model on some check-ins at known places."""
    asked = ask(model.chains, model.places, rows)

    def found(model: PeriodicInterests) -> dict[str, float]:
        ranks = rank_targets(lambda requests: model.score(requests).scores, asked, model.places.num_places)
        scores = target_scores(ranks[torch.isfinite(ranks)], k=MONITORED)
        return {"recall": scores.recall, "ndcg": scores.ndcg}

    return found


def mixture_of(
    chains: CheckInChains, rows: NDArray[np.int64], config: PeriodicInterestsConfig | CountsConfig
) -> CountMixture:
    """Return the mixture of counts of a run, not yet fitted: the method itself, or the counts beside its network."""
    if not isinstance(config, CountsConfig):
        config = CountsConfig(slot_hours=config.slot_hours, hour_tolerance=config.hour_tolerance)
    return CountMixture(
        chains, rows, present_parts(chains, config.parts), length=config.history_length, tolerance=config.hour_tolerance
    )


def present_parts(chains: CheckInChains, parts: Sequence[CountPart]) -> list[CountPart]:
    """Return the kinds of counts for which the data have values; raise if there is none."""
    timed, placed = chains.timestamp is not None, chains.num_areas > 0
    absent = {"weekday": not timed, "hour": not timed, "area": not placed, "hour_area": not (timed and placed)}
    present = [part for part in parts if not absent.get(part, False)]
    if not present:
        raise ValueError(f"parts must hold one that these check-ins have, got {list(parts)}")
    return present


def rank_by_counts(mixture: CountMixture, asked: Asked) -> dict[str, Tensor]:
    """Return the ranks of the targets by each single kind of counts of a mixture."""
    found = {}
    for part in mixture.counts.parts:
        single = CountMixture(
            mixture.chains, mixture.rows, [part], length=mixture.counts.length, tolerance=mixture.counts.tolerance
        )
        found[part] = rank_targets(single.score, asked, mixture.places.num_places)
    return found


def compare(method: str, ranks: Mapping[str, Tensor]) -> Verdict:
    """Compare a method with the best baseline by the share of known targets among the first 10."""
    hits = {name: (of[torch.isfinite(of)] <= MONITORED).numpy() for name, of in ranks.items()}
    return runs.judge(f"Recall@{MONITORED}", method, hits)


def by_area(chains: CheckInChains, asked: Asked, ranks: Tensor) -> list[list[float]]:
    """Return for every area its number, its number of targets, and the share of them among the first 10."""
    area = chains.area[asked.rows]
    hit = (ranks <= MONITORED).numpy()
    placed = area >= 0
    count = np.bincount(area[placed], minlength=chains.num_areas)
    hits = np.bincount(area[placed], hit[placed], minlength=chains.num_areas)
    return [[int(a), int(count[a]), float(hits[a] / count[a])] for a in np.flatnonzero(count)]


def areas_of(data: LoadedCheckIns, found: list[list[float]]) -> list[dict[str, float]]:
    """Return `by_area` with the middle of each area's places on the map."""
    coordinates = data.check_ins.coordinates
    if data.area is None or coordinates is None:
        return []
    middle = {area: coordinates[data.area == area].mean(axis=0) for area, _, _ in found}
    return [
        {"latitude": float(middle[area][0]), "longitude": float(middle[area][1]), "targets": count, "recall": share}
        for area, count, share in found
    ]


def by_history(chains: CheckInChains, asked: Asked, ranks: Tensor) -> list[dict[str, float]]:
    """Return recall at 10 by the number of check-ins before the request."""
    length = asked.requests.end - chains.indptr[asked.requests.user]
    bins = np.searchsorted(_HISTORY_BINS, length, side="right") - 1
    hit = (ranks <= MONITORED).numpy()
    return [
        {"from": _HISTORY_BINS[b], "requests": int((bins == b).sum()), "recall": float(hit[bins == b].mean())}
        for b in np.unique(bins)
    ]


def attention_by_hour(model: PeriodicInterests, requests: Requests) -> Mapping[str, Any]:
    """Return the mean attention over the interests, and the mean shares of the mixture, for every local hour."""
    attention, shares = [], []
    count = len(requests.user)
    for picked in np.split(np.arange(count), np.arange(_BLOCK, count, _BLOCK)):
        found = model.score(requests.take(picked))
        attention.append(found.attention)
        shares.append(found.shares)
    mean_attention, mean_shares = torch.cat(attention), torch.cat(shares)
    hours = torch.from_numpy(requests.hour)
    present = [hour for hour in range(24) if bool((hours == hour).any())]
    return {
        "interests": list(model.config.interests),
        "parts": list(model.parts),
        "hours": present,
        "attention": [mean_attention[hours == hour].mean(dim=0).tolist() for hour in present],
        "mean_attention": mean_attention.mean(dim=0).tolist(),
        "mean_shares": mean_shares.mean(dim=0).tolist(),
    }
