"""The task of the next place: train on each user's past, and choose the epoch that ranks the next check-ins best."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import numpy as np
import torch

from graphvid._files import atomic_path, read_npz
from graphvid.graphs import check_in_graph
from graphvid.models.poi import (
    CountMixture,
    CountsConfig,
    GRUConfig,
    PeriodicInterests,
    PeriodicInterestsConfig,
)
from graphvid.runs import (
    Json,
    Method,
    Part,
    Parts,
    ReloadOnPlateau,
    Report,
    RunDirectory,
    Task,
    Training,
    write_tensors,
)
from graphvid.sampling import CheckInChains

from .answers import MIXTURE, WEIGHTS, NextPoiRun, write_history
from .baselines import PAIR_MODELS, train_pair_model
from .figures import (
    Asked,
    Scorer,
    areas_of,
    ask,
    attention_by_hour,
    by_area,
    by_history,
    compare,
    figures,
    judge,
    mixture_of,
    rank_by_counts,
    rank_targets,
)
from .report import report
from .source import CheckInSource, LoadedCheckIns, load_check_ins

_EPOCHS, _RANKS, _GRU = "epochs.csv", "ranks.npz", "gru"


class NextPoi(Task[CheckInSource, LoadedCheckIns]):
    """Task of the next place: predict the place of a user's next check-in.

    A run adds the files ``history.npz`` (all check-ins, for its answers) and ``ranks.npz`` (the rank of every test check-in:
    ``row`` and ``rank``), and ``model.safetensors`` and ``epochs.csv`` or, for counts, ``mixture.npz``.
    """

    source = CheckInSource
    methods: ClassVar[Mapping[str, Method]] = {
        "periodic-interests": Method("periodic interests, after ST-PIL", PeriodicInterestsConfig),
        "gru": Method("GRU", GRUConfig),
        "counts": Method("mixture of counts", CountsConfig),
    }
    answers = NextPoiRun

    def load(self, source: CheckInSource, *, progress: bool) -> LoadedCheckIns:
        """Read the check-ins and split them."""
        return load_check_ins(source)

    def parts(
        self, source: CheckInSource, data: LoadedCheckIns, method: str, config: PeriodicInterestsConfig | CountsConfig
    ) -> Mapping[str, Part]:
        """Return the GRU, if it is a baseline of the run."""
        if "gru" not in config.baselines:
            return {}
        shared = {name: getattr(config, name) for name in ("slot_hours", "session_gap_hours", "seed")}
        if isinstance(config, PeriodicInterestsConfig):
            shared |= {name: getattr(config, name) for name in ("dim", "num_epochs", "batch_size", "short_length")}
        return {_GRU: Part("gru", source, GRUConfig(**shared))}

    def check(self, source: CheckInSource, method: str, config: PeriodicInterestsConfig | CountsConfig) -> None:
        """Raise if a model is its own baseline."""
        if method == "gru" and "gru" in config.baselines:
            raise ValueError("baselines of method 'gru' must not name 'gru'")

    def prepare(
        self,
        run: RunDirectory,
        method: str,
        data: LoadedCheckIns,
        config: PeriodicInterestsConfig | CountsConfig,
        *,
        progress: bool,
    ) -> Training:
        """Build the model and its evaluation."""
        graph = check_in_graph(data.check_ins, data.area, slot_hours=config.slot_hours)
        if isinstance(config, CountsConfig):
            model = None
            chains = CheckInChains(graph, session_gap=3600 * config.session_gap_hours)
        else:
            model = PeriodicInterests(graph, data.windows.train, config, data.check_ins.coordinates)
            chains = model.chains
        mixture = mixture_of(chains, data.windows.train, config)
        asked = ask(chains, mixture.places, data.windows.test)
        for name, rows in (("validation", data.windows.validation), ("test", data.windows.test)):
            if (mixture.places.number[chains.poi[rows]] == mixture.places.num_places).all():
                raise ValueError(f"the {name} check-ins must have a place that training saw, got {len(rows)} at others")
        if model is None:

            def finish_counts(parts: Parts) -> Json:
                mixture.fit(data.windows.validation, seed=config.seed)
                with atomic_path(run.path / MIXTURE) as temporary:
                    np.savez(temporary, parts=np.array(mixture.counts.parts), weight=mixture.weight.numpy())
                return self._judge(run, method, data, config, mixture, mixture.score, asked, parts)

            return Training(finish_counts)
        plateau = ReloadOnPlateau(
            judge(model, data.windows.validation),
            "recall",
            model.config.patience,
            partial(_write_epochs, run),
            plateau="constant",
        )

        def finish(parts: Parts) -> Json:
            write_tensors(run.path / WEIGHTS, model.state_dict())
            _write_epochs(run, plateau.epochs)
            mixture.fit(data.windows.validation, seed=config.seed)
            found = self._judge(
                run, method, data, config, mixture, lambda requests: model.score(requests).scores, asked, parts
            )
            return {
                **found,
                "best_epoch": plateau.best_epoch,
                "epochs": plateau.epochs,
                "by_hour": attention_by_hour(model, asked.requests),
            }

        return Training(
            finish,
            model,
            callbacks=[plateau],
            log_every=max(1, model.steps_per_epoch // 20),
            checkpoint_every=model.steps_per_epoch,
        )

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)

    def _judge(
        self,
        run: RunDirectory,
        method: str,
        data: LoadedCheckIns,
        config: PeriodicInterestsConfig | CountsConfig,
        mixture: CountMixture,
        score: Scorer,
        asked: Asked,
        parts: Parts,
    ) -> Json:
        """Write the check-ins and the ranks of the test, and return the figures of the model and of the baselines."""
        chains, places = mixture.chains, mixture.places
        ranks = rank_targets(score, asked, places.num_places)
        write_history(run, data)
        with atomic_path(run.path / _RANKS) as temporary:
            np.savez(temporary, row=asked.rows, rank=ranks.numpy())
        title = self.methods[method].title
        ranked = {title: ranks}
        if _GRU in parts:
            kept = read_npz(parts[_GRU].path / _RANKS, ("rank",))
            ranked[self.methods["gru"].title] = torch.from_numpy(kept["rank"])
        chosen_by = ask(chains, places, data.windows.validation)
        for name in (name for name in config.baselines if name in PAIR_MODELS):
            scorer = train_pair_model(name, chains, places, data.windows.train, chosen_by, seed=config.seed)
            ranked[PAIR_MODELS[name]] = rank_targets(scorer, asked, places.num_places)
        ranked |= rank_by_counts(mixture, asked)
        if isinstance(config, PeriodicInterestsConfig):
            ranked[self.methods["counts"].title] = rank_targets(mixture.score, asked, places.num_places)
        unseen = [int((places.number[chains.poi[rows]] == places.num_places).sum()) for rows in data.windows[1:]]
        return {
            "methods": {name: figures(found) for name, found in ranked.items()},
            "verdict": compare(title, ranked).to_dict(),
            "weights_of_counts": dict(zip(mixture.counts.parts, mixture.weight.tolist())),
            "unseen_targets": dict(zip(("validation", "test"), unseen)),
            "dropped": dict(data.check_ins.dropped),
            "candidates": places.num_places,
            "areas": areas_of(data, by_area(chains, asked, ranks)),
            "by_history": by_history(chains, asked, ranks),
        }


def _write_epochs(run: RunDirectory, epochs: list[dict[str, float]]) -> None:
    with atomic_path(run.path / _EPOCHS) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(epochs[0]))
        writer.writeheader()
        writer.writerows(epochs)
