"""Answers of a run of the next place, from its stored weights and check-ins."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from graphvid._checks import check_integer
from graphvid._files import atomic_path, read_npz
from graphvid.data import CheckIns, distance_km
from graphvid.graphs import check_in_graph
from graphvid.models.poi import CountMixture, CountsConfig, PeriodicInterests, PeriodicInterestsConfig
from graphvid.runs import Json, Run, RunDirectory, row_of, storable
from graphvid.sampling import CheckInChains, Requests

from .figures import ask, figures, mixture_of, rank_by_counts, rank_targets
from .source import LoadedCheckIns

HISTORY, WEIGHTS, MIXTURE = "history.npz", "model.safetensors", "mixture.npz"
_COLUMNS = ("user", "poi", "timestamp", "offset", "latitude", "longitude", "session")


def write_history(run: RunDirectory, data: LoadedCheckIns) -> None:
    """Write all check-ins with their ids, the areas of places, and the training rows."""
    found = data.check_ins
    arrays: dict[str, Any] = {name: getattr(found, name) for name in _COLUMNS if getattr(found, name) is not None}
    arrays |= {"user_ids": storable(found.user_ids), "poi_ids": storable(found.poi_ids), "train": data.windows.train}
    if data.area is not None:
        arrays["area"] = data.area
    with atomic_path(run.path / HISTORY) as temporary:
        np.savez(temporary, **arrays)


class NextPoiRun(Run):
    """A run of the task of the next place: it ranks the next places of a user, with reasons."""

    def model(self) -> PeriodicInterests:
        """Return the trained model, in evaluation mode, over the check-ins of the run.

        Raises
        ------
        ValueError
            The method is counts, which has no network.
        """
        ranker, _, _ = self._open()
        if isinstance(ranker, CountMixture):
            raise ValueError(f"{self.directory.path} holds a run of {self.config['title']}, which has no model to load")
        return ranker

    def evaluate(self, *, progress: bool = True) -> Json:
        """Read the source again, and rank the places of its test check-ins with the saved model.

        Parameters
        ----------
        progress : bool, default True
            Show a bar while the source is read.

        Returns
        -------
        dict
            The model and the counts, as in ``metrics.json`` under ``"methods"``, without trained baselines, which the run
            does not store.

        Raises
        ------
        FileNotFoundError, ValueError
            As those of `graphvid.runs.Run.read_source`, and an unfinished run.
        """
        ranker, _, _ = self._open()
        data: LoadedCheckIns = self.read_source(progress=progress)
        config = self.options
        assert isinstance(config, (PeriodicInterestsConfig, CountsConfig))
        places = ranker.places
        asked = ask(ranker.chains, places, data.windows.test)
        if isinstance(ranker, CountMixture):
            mixture = ranker
            ranked = {self.config["title"]: rank_targets(ranker.score, asked, places.num_places)}
        else:
            network = ranker
            mixture = mixture_of(ranker.chains, data.windows.train, config)
            mixture.fit(data.windows.validation, seed=config.seed)
            ranked = {
                self.config["title"]: rank_targets(
                    lambda requests: network.score(requests).scores, asked, places.num_places
                ),
                self._task.methods["counts"].title: rank_targets(mixture.score, asked, places.num_places),
            }
        return {name: figures(found) for name, found in (ranked | rank_by_counts(mixture, asked)).items()}

    def recommend(
        self,
        user_id: Any,
        *,
        top_k: int = 10,
        at: str | None = None,
        from_: str | None = None,
        history: str | None = None,
    ) -> pd.DataFrame:
        """Return the places that the model ranks first for a user, also visited ones.

        Parameters
        ----------
        user_id : hashable, or list of hashable
            Id of the user, or a list of ids; their text form is accepted too. With a ``history``, of its users.
        top_k : int, default 10
            Number of places, at least 1; at most all candidates.
        at : str, optional
            Local time in ISO 8601, ``2012-06-01T18:30-04:00``; without a zone, that of the last check-in. The model reads
            only earlier check-ins. Default: a second after the last check-in; without times, after the last.
        from_ : str, optional
            ``LAT,LON`` in degrees: the area is that of the nearest place. Default: the place of the last check-in.
        history : str, optional
            Check-ins of known or new users, CSV or Parquet in the form of `graphvid.data.CheckIns.read`.

        Returns
        -------
        DataFrame
            ``poi_id`` and ``score`` (probability), largest first, ties by position; if places have coordinates, ``km``, the
            distance from the user's position; and a column for each reason with its part of the score. For a list, a column
            ``user_id`` before them, in the order of the list.

        Raises
        ------
        FileNotFoundError
            The run is unfinished, or ``history`` is not there.
        KeyError
            There is no such user.
        ValueError
            ``top_k`` is below 1, a time or a place cannot be parsed or does not apply to this run, or a file is damaged.
        """
        check_integer("top_k", top_k, 1)
        if isinstance(user_id, list):
            found = [self.recommend(user, top_k=top_k, at=at, from_=from_, history=history) for user in user_id]
            tables = [table.assign(user_id=user) for user, table in zip(user_id, found)]
            return pd.concat(tables, ignore_index=True).set_index("user_id").reset_index()
        ranker, check_ins, area = self._open()
        chains, known, where = ranker.chains, check_ins, self.directory.path
        if history is not None:
            known, where = _read_history(history, check_ins), Path(history)
            area = None if area is None else np.append(area, -1)  # id of the place for all unknown places
            graph = check_in_graph(known, area, slot_hours=chains.slot_hours)
            chains = CheckInChains(graph, session_gap=chains.session_gap)
        user = row_of(known.user_ids, user_id, "user_id", f"users of {where}")
        requests = _request(known, chains, user, at)
        if from_ is not None:
            requests = chains.moved(requests, [_nearest(check_ins, from_)])
        reasons = _reasons(ranker, requests, chains)
        parts, pois = np.stack(list(reasons.values())), ranker.places.pois
        scores = parts.sum(axis=0)
        best = np.argsort(-scores, kind="stable")[:top_k]
        table = pd.DataFrame({"poi_id": check_ins.poi_ids.take(pois[best]), "score": scores[best]})
        places, near = check_ins.coordinates, int(requests.near[0])
        if places is not None and 0 <= near < len(places):
            here, there = places[near], places[pois[best]]
            table["km"] = distance_km(here[0], here[1], there[:, 0], there[:, 1])
        for name, part in reasons.items():
            table[name] = part[best] / np.maximum(scores[best], 1e-30)
        return table

    def _open(self) -> tuple[PeriodicInterests | CountMixture, CheckIns, NDArray[np.int64] | None]:
        """Return the ranking model over the check-ins of the run, the check-ins, and the areas of their places."""
        check_ins, area, train = self._history()
        config = self.options
        assert isinstance(config, (PeriodicInterestsConfig, CountsConfig))
        graph = check_in_graph(check_ins, area, slot_hours=config.slot_hours)
        if isinstance(config, PeriodicInterestsConfig):
            model = PeriodicInterests(graph, train, config, check_ins.coordinates)
            self.load_weights(model, WEIGHTS)
            return model, check_ins, area
        saved = read_npz(self.directory.require(self.directory.path / MIXTURE), ("parts", "weight"))
        mixture = CountMixture(
            CheckInChains(graph, session_gap=3600 * config.session_gap_hours),
            train,
            saved["parts"].tolist(),
            length=config.history_length,
            tolerance=config.hour_tolerance,
        )
        mixture.weight = torch.from_numpy(saved["weight"].astype(np.float32))
        return mixture, check_ins, area

    def _history(self) -> tuple[CheckIns, NDArray[np.int64] | None, NDArray[np.int64]]:
        """Return the check-ins, the areas of places and the training rows that the run stores."""
        path = self.directory.require(self.directory.path / HISTORY)
        saved: dict[str, Any] = read_npz(path, ("user", "poi", "user_ids", "poi_ids", "train"))
        columns = {name: saved[name] for name in _COLUMNS[2:] if name in saved}
        try:
            check_ins = CheckIns(
                saved["user"], saved["poi"], pd.Index(saved["user_ids"]), pd.Index(saved["poi_ids"]), **columns
            )
        except ValueError as error:
            raise ValueError(f"{path} is corrupt: {error}") from None
        return check_ins, saved.get("area"), saved["train"]


def _reasons(
    ranker: PeriodicInterests | CountMixture, requests: Requests, chains: CheckInChains
) -> dict[str, NDArray[np.float32]]:
    """Return, by name, the parts with a contribution to the scores of one request, for every candidate."""
    if isinstance(ranker, CountMixture):
        return dict(zip(ranker.counts.parts, ranker.reasons(requests, chains)[0].numpy()))
    user = None if chains is ranker.chains else np.full(len(requests.user), ranker.chains.num_users)
    attention = ranker.score(requests, chains, user).attention[0].numpy()
    of_network, *counted = ranker.reasons(requests, chains, user)[0].numpy()
    reasons: dict[str, NDArray[np.float32]] = {}
    for interest, weight in zip(ranker.config.interests, attention):
        reasons[interest] = weight * of_network
    if not attention.any():  # no interest has a member: the network reads only the user
        reasons["user"] = of_network
    for part, brought in zip(ranker.parts[1:], counted):
        name = "daily" if part == "weekday" else part
        reasons[name] = reasons[name] + brought if name in reasons else brought
    return reasons


def _read_history(path: str, run: CheckIns) -> CheckIns:
    """Return the check-ins of a file with the place numbers of the run, and one more number for unknown places."""
    found = CheckIns.read(Path(path))
    if run.timestamp is None:
        raise ValueError("history needs a run of check-ins with times; those of this run have an order only")
    numbers = pd.Index(run.poi_ids.astype(str)).get_indexer(pd.Index(found.poi_ids.astype(str)))
    numbers = np.where(numbers >= 0, numbers, run.num_pois)
    poi_ids = pd.Index([*run.poi_ids, object()], dtype=object)  # an object that equals no id
    return CheckIns(
        found.user, numbers[found.poi], found.user_ids, poi_ids, timestamp=found.timestamp, offset=found.offset
    )


def _request(check_ins: CheckIns, chains: CheckInChains, user: int, at: str | None) -> Requests:
    """Return the request of a user at a time, or right after the last check-in."""
    last = int(check_ins.indptr[user + 1]) - 1
    if check_ins.timestamp is None or check_ins.offset is None:
        if at is not None:
            raise ValueError("at needs check-ins with times; those of this run have an order only")
        return chains.now([user])
    offset = int(check_ins.offset[last]) if last >= check_ins.indptr[user] else 0
    if at is None:
        return chains.at([user], [check_ins.timestamp[last] + 1], [offset])
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise ValueError(f"at must be a time in ISO 8601 such as 2012-06-01T18:30-04:00, got {at!r}") from None
    zone = moment.utcoffset()
    if zone is not None:
        offset = round(zone.total_seconds() / 60)
        seconds = moment.timestamp()
    else:
        seconds = moment.replace(tzinfo=timezone.utc).timestamp() - 60 * offset
    return chains.at([user], [seconds], [offset])


def _nearest(check_ins: CheckIns, where: str) -> int:
    """Return the place nearest to ``LAT,LON``."""
    if check_ins.latitude is None or check_ins.longitude is None:
        raise ValueError("from needs places with coordinates; those of this run have none")
    parts = re.fullmatch(r"\s*([-+]?[\d.]+)\s*,\s*([-+]?[\d.]+)\s*", where)
    try:
        latitude, longitude = (float(x) for x in parts.groups()) if parts else (np.nan, np.nan)
    except ValueError:
        latitude = longitude = np.nan
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(f"from must be LAT,LON in [-90, 90] and [-180, 180] degrees, got {where!r}")
    return int(distance_km(latitude, longitude, check_ins.latitude, check_ins.longitude).argmin())
