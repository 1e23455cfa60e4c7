"""Figures of linkers: total accuracy and accuracy by difficulty, type confusion, reliability, and examples of errors."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphvid.data import Mentions
from graphvid.metrics import calibration_curve, choose, expected_calibration_error, linking_scores, type_error_share
from graphvid.models.linking import Linker, probabilities
from graphvid.runs import Verdict, judge

from .source import LoadedLinking

_ERRORS_SHOWN = 20
_COUNT_BINS = {"1": (1, 1), "2 to 5": (2, 5), "6 to 15": (6, 15), "more": (16, 1 << 30)}
_RANK_BINS = {"first": (1, 1), "second": (2, 2), "third to fifth": (3, 5), "later": (6, 1 << 30)}


def judge_linker(data: LoadedLinking) -> Callable[[Linker], float]:
    """Return the function that computes a linker's accuracy on the development documents."""
    docs = data.docs("dev")

    def accuracy(model: Linker) -> float:
        return _accuracy(data, spread(model, data.mentions, docs), data.split == "dev")

    return accuracy


def spread(
    model: Linker, mentions: Mentions, docs: Tensor | None = None, without: str | None = None
) -> NDArray[np.float64]:
    """Return the scores of some documents (default: all) in the order of all candidates; -inf for other documents."""
    candidates, scores = model.score(torch.arange(mentions.num_docs) if docs is None else docs, without)
    whole = np.full(mentions.num_candidates, -np.inf)
    whole[candidates.numpy()] = scores.numpy()
    return whole


def prior_scores(data: LoadedLinking) -> tuple[str, NDArray[np.float64]]:
    """Return the name and the values of the ranking of candidates without training."""
    inputs = data.inputs
    for name in ("prior", "in-links", "age of the entry"):
        if name in inputs.names:
            return name, inputs.features[:, inputs.names.index(name)]
    return "letters", inputs.features[:, inputs.names.index("letters")]


def score_linking(model: Linker, data: LoadedLinking, title: str) -> dict[str, Any]:
    """Return all figures of the test documents.

    Parameters
    ----------
    model : Linker
    data : LoadedLinking
    title : str
        Name of the model in its verdict.

    Returns
    -------
    dict
        ``accuracy`` with its counts, ``baselines``, ``ambiguous`` (mentions with more than one candidate) and
        ``one_candidate``, None where there are no such mentions, ``with_gold`` (mentions whose gold is a candidate;
        ``with_gold_ambiguous``: and another one), the ``verdict`` against the baseline, ``by_candidates``,
        ``by_prior_rank``, ``reliability``, ``errors``, and where entities have types ``type_error_share`` and
        ``type_confusion``.
    """
    mentions, test = data.mentions, data.split == "test"
    scores = spread(model, mentions, data.docs("test"))
    chosen = _chosen(mentions, scores)
    name, prior = prior_scores(data)
    found = linking_scores(mentions.gold[test], chosen[test], *_candidates(mentions, test))
    counts, gold = np.diff(mentions.cand_indptr), mentions.gold_candidate
    rows = test & mentions.linkable
    metrics: dict[str, Any] = {
        **found._asdict(),
        "mentions": int(test.sum()),
        "baselines": {name: _accuracy(data, prior, test)},
        "ambiguous": _accuracy(data, scores, test & (counts > 1)) if (rows & (counts > 1)).any() else None,
        "one_candidate": _accuracy(data, scores, test & (counts == 1)) if (rows & (counts == 1)).any() else None,
        "with_gold": _accuracy(data, scores, test & (gold >= 0)),
        "with_gold_ambiguous": _accuracy(data, scores, test & (gold >= 0) & (counts > 1)),
        "verdict": None if rows.sum() < 2 else _verdict(title, name, mentions, rows, chosen, prior).to_dict(),
        "by_candidates": _by_bin(data, scores, test, counts, _COUNT_BINS),
        "by_prior_rank": _by_bin(data, scores, test, _gold_rank(mentions, prior), _RANK_BINS),
        "reliability": _reliability(mentions, scores, chosen, test),
        "errors": _errors(data, scores, chosen, test),
    }
    if data.entity_type is not None:
        share = type_error_share(mentions.gold[test], chosen[test], data.entity_type)
        metrics["type_error_share"] = None if math.isnan(share) else share
        metrics["type_confusion"] = _confusion(mentions, chosen, test, data.entity_type)
    return metrics


def _verdict(
    title: str,
    baseline: str,
    mentions: Mentions,
    rows: NDArray[np.bool_],
    chosen: NDArray[np.int64],
    prior: NDArray[np.float64],
) -> Verdict:
    """Compare the model with the baseline, mention by mention."""
    right = {title: chosen == mentions.gold, f"first by {baseline}": _chosen(mentions, prior) == mentions.gold}
    return judge("accuracy", title, {name: found[rows] for name, found in right.items()})


def _chosen(mentions: Mentions, scores: NDArray[np.float64]) -> NDArray[np.int64]:
    best = choose(scores, mentions.cand_indptr)
    return np.where(best >= 0, np.append(mentions.cand_entity, -1)[best], -1)


def _candidates(mentions: Mentions, rows: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    counts = np.diff(mentions.cand_indptr)[rows]
    return np.concatenate([[0], np.cumsum(counts)]), mentions.cand_entity[rows[mentions.cand_mention]]


def _accuracy(data: LoadedLinking, scores: NDArray[np.float64], rows: NDArray[np.bool_]) -> float:
    """Return the accuracy over some mentions; 0 if none of them can be linked."""
    mentions = data.mentions
    found = linking_scores(mentions.gold[rows], _chosen(mentions, scores)[rows], *_candidates(mentions, rows))
    return found.accuracy if found.linkable else 0.0


def _by_bin(
    data: LoadedLinking,
    scores: NDArray[np.float64],
    test: NDArray[np.bool_],
    values: NDArray[np.int64],
    bins: Mapping[str, tuple[int, int]],
) -> dict[str, dict[str, float]]:
    found = {}
    for name, (low, high) in bins.items():
        rows = test & data.mentions.linkable & (values >= low) & (values <= high)
        if rows.any():
            found[name] = {"mentions": int(rows.sum()), "accuracy": _accuracy(data, scores, rows)}
    return found


def _gold_rank(mentions: Mentions, prior: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rank of the gold by prior, from 1, the best of equal ones; 0 if it is no candidate."""
    gold = mentions.gold_candidate
    value = np.append(prior, np.nan)[gold]
    above = np.zeros(mentions.num_mentions, dtype=np.int64)
    np.add.at(above, mentions.cand_mention, prior > value[mentions.cand_mention])
    return np.where(gold >= 0, above + 1, 0)


def _probabilities(mentions: Mentions, scores: NDArray[np.float64], rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the probabilities of the candidates of some mentions, 0 elsewhere."""
    inside = rows[mentions.cand_mention]
    indptr, _ = _candidates(mentions, rows)
    whole = np.zeros(mentions.num_candidates)
    whole[inside] = probabilities(torch.from_numpy(scores[inside]), torch.from_numpy(indptr)).numpy()
    return whole


def _reliability(
    mentions: Mentions, scores: NDArray[np.float64], chosen: NDArray[np.int64], test: NDArray[np.bool_]
) -> dict[str, Any]:
    rows = test & mentions.linkable & (chosen >= 0)
    if not rows.any():
        return {}
    prob = _probabilities(mentions, scores, rows)
    best = choose(scores, mentions.cand_indptr)[rows]
    right = (chosen == mentions.gold)[rows]
    curve = calibration_curve(right, np.clip(prob[best], 0.0, 1.0))
    error = expected_calibration_error(right, np.clip(prob[best], 0.0, 1.0))
    columns = {name: values.tolist() for name, values in curve._asdict().items()}
    return {"expected_calibration_error": error, **columns}


def _confusion(
    mentions: Mentions, chosen: NDArray[np.int64], test: NDArray[np.bool_], kind: NDArray[np.object_]
) -> list[dict[str, Any]]:
    """Return the counts of (type of the gold, type of the chosen) over test mentions that have both."""
    rows = test & (mentions.gold >= 0) & (chosen >= 0)
    pairs: dict[tuple[str, str], int] = {}
    for gold, other in zip(kind[mentions.gold[rows]], kind[chosen[rows]], strict=True):
        pairs[str(gold), str(other)] = pairs.get((str(gold), str(other)), 0) + 1
    return [{"gold": gold, "chosen": other, "mentions": n} for (gold, other), n in sorted(pairs.items())]


def _errors(
    data: LoadedLinking, scores: NDArray[np.float64], chosen: NDArray[np.int64], test: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Return examples of errors, spread evenly over the test: the mention, the gold and the chosen entity."""
    mentions = data.mentions
    wrong = np.flatnonzero(test & mentions.linkable & (chosen != mentions.gold) & (mentions.gold >= 0) & (chosen >= 0))
    wrong = wrong[np.unique(np.linspace(0, len(wrong) - 1, min(_ERRORS_SHOWN, len(wrong))).astype(np.int64))]
    prob = _probabilities(mentions, scores, test)
    best = choose(scores, mentions.cand_indptr)
    return [
        {
            "document": str(mentions.doc_ids[mentions.doc[m]]),
            "mention": str(mentions.surface[m]),
            "meant": str(mentions.entity_names[mentions.gold[m]]),
            "chosen": str(mentions.entity_names[chosen[m]]),
            "probability": round(float(prob[best[m]]), 4),
            "gold_is_candidate": bool(mentions.gold_candidate[m] >= 0),
        }
        for m in wrong
    ]
