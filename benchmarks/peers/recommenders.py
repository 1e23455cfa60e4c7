"""Other libraries' recommenders on the pairs that graphvid's recommenders learn from.

``python -m benchmarks peers recommenders --data amazon-electronics`` writes a table of quality; ``--speed`` writes epochs
a minute instead, beside graphvid's models.
"""

from __future__ import annotations

import argparse
import json
import shlex
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from benchmarks._record import markdown
from benchmarks._table import RESULTS
from benchmarks.peers import _recommender_speed
from benchmarks.peers._figures_on_disk import Runs
from benchmarks.peers._recommender_rows import RecommenderPeerRow, rows
from benchmarks.peers._recommender_trial import K, figures, trials
from graphvid._files import write_json
from graphvid.data import AmazonElectronics, Gowalla, Interactions, InteractionSplits, TikTok

COMMAND = "python -m benchmarks peers recommenders"
DATA: dict[str, Callable[..., InteractionSplits | TikTok]] = {
    "amazon-electronics": AmazonElectronics,
    "tiktok": TikTok,
    "gowalla": Gowalla,
}
METRICS = ("recall", "ndcg")
_TITLES = {"amazon-electronics": "Amazon Electronics", "tiktok": "TikTok", "gowalla": "Gowalla"}
_PACKAGES = ("graphvid", "torch", "numpy", "scipy")
_HELD_OUT = 0.05
_CHOICE = 0  # seed of the held-out edges and of the trainings that options are chosen by


class Key(NamedTuple):
    """Key that figures are kept by."""

    name: str
    model: None = None


class Unmeasured(LookupError):
    """There are no figures, and none were asked for."""


@dataclass(frozen=True)
class Bench:
    """A data set, and the figures there are; those that are absent are made for the rows of ``only``, or for all.

    Options are chosen by the NDCG of ``validation`` after training on ``fitted``; then models are trained on ``train``
    and judged by ``test``, with all pairs of training and validation, ``known``, left out of the ranking.
    """

    fitted: Interactions
    validation: Interactions
    train: Interactions
    test: Interactions
    known: Interactions
    runs: Runs
    only: Sequence[str] | None = None

    @classmethod
    def of(cls, splits: InteractionSplits | TikTok, runs: Runs, only: Sequence[str] | None = None) -> Bench:
        """Hold out part of the training pairs where there is no validation split."""
        train, validation = splits.train, splits.validation
        if validation is None:
            fitted, held_out = train.hold_out(_HELD_OUT, seed=_CHOICE)
            return cls(fitted, held_out, train, splits.test, train, runs, only)
        return cls(train, validation, train, splits.test, union(train, validation), runs, only)

    def choose(self, row: RecommenderPeerRow) -> dict[str, Any]:
        """Return the best of the row's options and numbers of epochs."""
        tried = []
        for options in row.points:

            def search(options: dict[str, Any] = options) -> dict[str, Any]:
                made = trials(row, self.fitted, _CHOICE, options, row.epochs)
                return {"results": [{**t.found, **figures(t.score, self.validation, self.fitted)} for t in made]}

            found = self._figures(row, ["choice", options, row.epochs], _CHOICE, search)
            tried += [{"options": options, **result} for result in found["results"]]
        best = max(tried, key=lambda result: result["ndcg"])
        return {**best["options"], **({"epochs": best["epochs"]} if row.epochs else {})}

    def judge(self, row: RecommenderPeerRow, chosen: dict[str, Any], seed: int) -> dict[str, Any]:
        """Return the figures of the test pairs, and the seconds of training."""

        def test() -> dict[str, Any]:
            options = {name: value for name, value in chosen.items() if name != "epochs"}
            (trial,) = trials(row, self.train, seed, options, [chosen["epochs"]] if row.epochs else [])
            return {
                **figures(trial.score, self.test, self.known),
                "train_masked": figures(trial.score, self.test, self.train),
                "seconds": trial.seconds,
                "versions": trial.versions,
            }

        return self._figures(row, ["test", chosen], seed, test)

    def _figures(
        self, row: RecommenderPeerRow, about: list[Any], seed: int, make: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        key = Key(json.dumps([row.name, *about]))
        found = self.runs.get(key, seed)
        if found is None:
            if self.only is not None and not any(text in row.name for text in self.only):
                raise Unmeasured(row.name)
            found = make()
            self.runs.put(key, seed, found)
        return found


def union(first: Interactions, second: Interactions) -> Interactions:
    """Return the pairs of both, which have none in common."""
    users, items = (np.concatenate([getattr(x, name) for x in (first, second)]) for name in ("users", "items"))
    return Interactions.from_pairs(users, items, num_users=first.num_users, num_items=first.num_items)


def main(arguments: list[str]) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--only", nargs="+", help="only rows, or models of --speed, whose name contains one of these texts"
    )
    parser.add_argument("--data-dir", help="folder of the data sets; default: GRAPHVID_DATA")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="forget the figures there are")
    parser.add_argument("--speed", action="store_true", help="measure epochs a minute, not quality")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement of speed")
    parser.add_argument("--steps", type=int, default=200, help="steps of an epoch that are timed, all if it has fewer")
    settings = parser.parse_args(arguments)
    torch.set_num_threads(settings.threads)
    if settings.speed:
        data = {name: DATA[name](settings.data_dir).train for name in settings.data}
        print(_recommender_speed.measure(data, settings.repeats, settings.steps, f"{COMMAND} --speed", settings.only))
        return
    for name in settings.data:
        compare(name, DATA[name](settings.data_dir), settings)


def compare(data: str, splits: InteractionSplits | TikTok, settings: argparse.Namespace) -> None:
    """Run the rows of one data set and write their table."""
    name = f"recommender_peers_{data.replace('-', '_')}"
    about = fingerprint(splits)
    runs = Runs(RESULTS / f".{name}.runs.json", about, fresh=settings.fresh)
    bench = Bench.of(splits, runs, settings.only)
    earlier = {} if settings.fresh else _earlier(RESULTS / f"{name}.json", about, settings.seeds)
    lines = []
    for row in tqdm([row for row in rows() if row.most_items is None or splits.train.num_items <= row.most_items]):
        seeds = settings.seeds if row.seeded else settings.seeds[:1]
        try:
            chosen = bench.choose(row)
            found = [bench.judge(row, chosen, seed) for seed in seeds]
        except Unmeasured:
            lines += [earlier[row.name]] if row.name in earlier else []
            continue
        lines.append(_line(row, chosen, found if row.seeded else found * len(settings.seeds)))
    record = {
        "name": name,
        "title": f"Other people's recommenders on {_TITLES[data]}",
        "protocol": _protocol(splits),
        "command": _command(data, settings.seeds, [line["name"] for line in lines]),
        "date": date.today().isoformat(),
        "versions": {
            **{name: version for line in lines for name, version in line["versions"].items()},
            **{package: metadata.version(package) for package in _PACKAGES},
        },
        "data": about,
        "k": K,
        "seeds": settings.seeds,
        "metrics": list(METRICS),
        "rows": lines,
    }
    write_json(RESULTS / f"{name}.json", record)
    print(markdown(record))


def fingerprint(splits: InteractionSplits | TikTok) -> dict[str, int]:
    """Return counts and a checksum of the pairs."""
    checksum, counts = 0, {}
    for name in ("train", "validation", "test"):
        split = getattr(splits, name)
        if split is not None:
            counts[name] = split.num_interactions
            checksum = zlib.crc32(split.items.tobytes(), zlib.crc32(split.indptr.tobytes(), checksum))
    return {"users": splits.train.num_users, "items": splits.train.num_items, **counts, "crc32": checksum}


def _earlier(path: Path, about: dict[str, int], seeds: Sequence[int]) -> dict[str, dict[str, Any]]:
    """Return the lines of a table by name, where it is of the same data and seeds."""
    record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if record.get("data") != about or record["seeds"] != list(seeds):
        return {}
    return {line["name"]: line for line in record["rows"]}


def _command(data: str, seeds: Sequence[int], names: Sequence[str]) -> str:
    """Return what makes all lines of a table, those that were kept from earlier commands too."""
    return f"{COMMAND} " + shlex.join(["--data", data, "--seeds", *map(str, seeds), "--only", *names])


def _line(row: RecommenderPeerRow, chosen: dict[str, Any], found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": row.name,
        "description": row.description,
        "config": chosen,
        "values": {metric: [run[metric] for run in found] for metric in METRICS},
        "train_masked": {metric: [run["train_masked"][metric] for run in found] for metric in METRICS},
        "seconds": [run["seconds"] for run in found],
        "versions": found[0]["versions"],
    }


def _protocol(splits: InteractionSplits | TikTok) -> str:
    held_out = (
        f"one training pair in {round(1 / _HELD_OUT)} that is held out, after which the model is trained on all of them"
        if splits.validation is None
        else "the validation pairs"
    )
    return (
        "All items are ranked for every test user but those of training and validation. Options and numbers of epochs "
        f"are chosen by the NDCG of {held_out}, once, with seed {_CHOICE}; the grids are in "
        "``benchmarks/peers/_recommender_rows.py``. Methods without a seed have the same value for all of them. Seconds "
        "are those of one training, without the search; peers see training pairs only, and one scorer ranks for all."
    )
