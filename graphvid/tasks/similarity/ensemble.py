"""Ensembles: a run that joins the vectors of several finished runs, and compares the result with each of them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray

from graphvid._files import atomic_path, read_npz
from graphvid._options import one_of
from graphvid._record import Columns, Record, record
from graphvid.data import Features, ScoredPairs, VideoRecords, read_videos, write_submission
from graphvid.data.submission import MAX_COLUMNS
from graphvid.models.towers import pair_cosines
from graphvid.retrieval import SVDEnsemble, mean_ensemble
from graphvid.runs import Json, Method, Parts, Report, RunDirectory, Task, Training, VectorRun, write_vectors
from graphvid.runs.vectors import VECTORS, read_vectors

from .answers import SimilarityRun
from .figures import judge
from .report import PREDICTIONS, of_split, shown

AXES = "axes.npz"


@record
class EnsembleSource(Record):
    """Runs to join.

    Parameters
    ----------
    runs : tuple of str
        Finished runs of twin-tower on the same source, two at least.

    Raises
    ------
    ValueError
        Fewer than two runs, or one twice.
    """

    runs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.runs) < 2:
            raise ValueError(f"runs must name two finished runs at least, got {len(self.runs)}")
        if len({Path(path).resolve() for path in self.runs}) < len(self.runs):
            raise ValueError(f"runs must be distinct, got {list(self.runs)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, the paths absolute."""
        return {"runs": [str(Path(path).resolve()) for path in self.runs]}


@record
class EnsembleConfig(Record):
    """Options of an ensemble.

    Presets: ``"svd"``, the default, and ``"mean"``.

    Parameters
    ----------
    how : {"svd", "mean"}
        See `graphvid.retrieval.SVDEnsemble` and `~graphvid.retrieval.mean_ensemble`. ``"mean"`` is for runs that share their
        axes, such as folds from one start.
    dim : int
        Columns of the result of ``"svd"``; at most as many as there are.
    weights : tuple of float
        One weight for each run, above 0. Default: 1 for each.
    """

    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"svd": {}, "mean": {"how": "mean"}}

    how: Literal["svd", "mean"] = "svd"
    dim: Columns = 256
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class Members:
    """The runs of an ensemble, by name.

    Parameters
    ----------
    runs : dict of str to SimilarityRun
    """

    runs: Mapping[str, SimilarityRun]

    def fingerprint(self) -> dict[str, Any]:  # Any: JSON values
        """Return method and data of each member and a checksum of their vectors: equal for equal members."""
        crc = 0
        for run in self.runs.values():
            crc = zlib.crc32(np.ascontiguousarray(run.vectors().modalities["embedding"]).data, crc)
        return {
            "name": " + ".join(self.runs),
            "crc32": crc,
            "members": [
                {"model": run.config["model"], "data": run.config["data"], "test": run.metrics["methods"]["twin tower"]}
                for run in self.runs.values()
            ],
        }


class EnsembleRun(VectorRun):
    """A run of an ensemble; it embeds videos by its members, which must still be at their paths."""

    def embed(self, videos: VideoRecords) -> Features:
        """Embed videos by every member and join their vectors on the axes of the run; see `SimilarityRun.embed`."""
        source, options = self.source, self.options
        assert isinstance(source, EnsembleSource)
        assert isinstance(options, EnsembleConfig)
        members = [run.embed(videos).modalities["embedding"] for run in _runs(source).values()]
        if options.how == "mean":
            return Features(videos.ids, {"embedding": mean_ensemble(members, options.weights or None)})
        axes = read_npz(self.directory.require(self.directory.path / AXES), ("components", "dims"))
        ensemble = SVDEnsemble(options.dim, options.weights or None)
        ensemble.components_ = axes["components"].astype(np.float64)
        ensemble.dims_ = tuple(int(dim) for dim in axes["dims"])
        return Features(videos.ids, {"embedding": ensemble.transform(members)})

    def evaluate(self, *, progress: bool = True) -> Json:
        """Evaluate the vectors of the run and of its members again on the test pairs.

        Parameters
        ----------
        progress : bool, default True
            Show a bar while the members are opened.

        Returns
        -------
        dict
            One entry for the ensemble and one for each member, as in ``metrics.json`` under ``"methods"``.

        Raises
        ------
        FileNotFoundError
            A member is gone, or the run is unfinished.
        ValueError
            A member has changed since the run, or none has test pairs.
        """
        members: Members = self.read_source(progress=progress)
        learnt = self.vectors()
        of_members = [run.vectors().modalities["embedding"] for run in members.runs.values()]
        methods = _judge(members, learnt.ids, of_members, learnt.modalities["embedding"])
        if not methods["ensemble"]:
            raise ValueError(f"{self.directory.path} holds an ensemble without test pairs, so nothing can be judged")
        return methods

    def read_inputs(self, path: str | os.PathLike[str]) -> VideoRecords:
        """Read what `embed` takes: videos in the contest's form."""
        return read_videos(Path(path))


class Ensembles(Task[EnsembleSource, Members]):
    """Task of ensembles: join several twin towers.

    A run adds the files ``embeddings.npz`` (vectors of the videos of all members) and, for a singular value decomposition,
    ``axes.npz``. It trains nothing: the axes come from the vectors themselves, without scores.
    """

    source = EnsembleSource
    methods: ClassVar[Mapping[str, Method]] = {"ensemble": Method("ensemble", EnsembleConfig)}
    answers = EnsembleRun

    def load(self, source: EnsembleSource, *, progress: bool) -> Members:
        """Open the members."""
        return Members(_runs(source))

    def prepare(
        self, run: RunDirectory, method: str, data: Members, config: EnsembleConfig, *, progress: bool
    ) -> Training:
        """Join the vectors."""
        features = {name: read_vectors(member.directory) for name, member in data.runs.items()}
        ids = next(iter(features.values())).ids
        for name, found in features.items():
            if not ids.equals(found.ids):
                raise ValueError(f"runs must have vectors of the same videos, got others in {name}; use one source")
        members = [found.modalities["embedding"] for found in features.values()]
        ensemble = SVDEnsemble(config.dim, config.weights or None)
        vectors = (
            mean_ensemble(members, config.weights or None) if config.how == "mean" else ensemble.fit_transform(members)
        )

        def finish(parts: Parts) -> Json:
            write_vectors(run, embedding=(ids, vectors))
            if config.how == "svd":
                with atomic_path(run.path / AXES) as temporary:
                    np.savez(temporary, components=ensemble.components_, dims=np.asarray(ensemble.dims_))
            return {"columns": vectors.shape[1], "methods": _judge(data, ids, members, vectors)}

        return Training(finish)

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished ensemble."""
        config, metrics = run.read_config(), run.read_metrics()
        methods = metrics["methods"]
        judged = {name: row["test"]["spearman"] for name, row in methods.items() if "test" in row}
        lead = f"{len(config['data']['members'])} members to {metrics['columns']} columns by {config['model']['how']}."
        if judged:
            members = {
                name: -np.inf if value is None else value for name, value in judged.items() if name != "ensemble"
            }
            best = max(members, key=lambda name: members[name])
            lead += f" Test Spearman {shown(judged['ensemble'])}; the best member, {best}, has {shown(judged[best])}."
        sections = [of_split(methods, "test", "ensemble")] if judged else []
        return Report("Ensemble of twin towers", lead, sections)


def ensemble_command(
    runs: Annotated[list[Path], typer.Argument(help="Finished runs of twin-tower on one source.")],
    out: Annotated[
        Path, typer.Option(help="Run directory of the ensemble; or, with --form contest, a .zip file beside it.")
    ],
    how: Annotated[str, one_of("mean is for runs that share their axes, such as folds.", ("svd", "mean"))] = "svd",
    dim: Annotated[int, typer.Option(help="Columns of the result of svd.")] = 256,
    weight: Annotated[list[float] | None, typer.Option(help="Of a run, in their order. Repeatable.")] = None,
    form: Annotated[str, one_of("contest is a submission.", ("run", "contest"))] = "run",
) -> None:
    """Join finished twin towers, judge the result beside each of them, and write its vectors."""
    from graphvid.tasks import train

    if form not in ("run", "contest"):
        raise ValueError(f"form must be one of ['run', 'contest'], got {form!r}")
    if form == "contest" and out.suffix != ".zip":
        raise ValueError(f"out must end in .zip with --form contest, got {out.name!r}")
    if form == "contest" and how == "svd" and dim > MAX_COLUMNS:
        raise ValueError(f"dim must be at most the {MAX_COLUMNS} columns of the contest, got {dim}")
    config = EnsembleConfig.from_dict({"how": how, "dim": dim, "weights": tuple(weight or ())})
    folder = out.with_suffix("") if form == "contest" else out
    train("ensemble", EnsembleSource(runs=tuple(map(str, runs))), folder, config, progress=False)
    run = RunDirectory(folder)
    if form == "contest":
        vectors = read_vectors(run)
        tested = run.read_config()["data"]["members"][0]["data"]["test_videos"] or vectors.num_videos  # they come first
        write_submission(out, vectors.ids[:tested], vectors.modalities["embedding"][:tested])
        typer.echo(f"Submission of {tested:,} videos: {out}")
    typer.echo(Ensembles().report(run).to_text())
    typer.echo(f"Report: {run.report}")


def _runs(source: EnsembleSource) -> dict[str, SimilarityRun]:
    """Return the members by the names of their folders, with a number in front if the names are not distinct."""
    from graphvid.tasks import load_run

    names = [Path(path).resolve().name for path in source.runs]
    if len({*names, "ensemble"}) <= len(names):
        names = [f"{at}: {name}" for at, name in enumerate(names, 1)]
    found = {}
    for name, path in zip(names, source.runs):
        run = load_run(path)
        if not isinstance(run, SimilarityRun):
            raise ValueError(f"{path} must hold a run of twin-tower, got one of {run.config['title']}")
        run.directory.require(run.directory.path / VECTORS)
        run.directory.require(run.directory.metrics)
        found[name] = run
    return found


def _judge(
    data: Members, ids: pd.Index, members: Sequence[NDArray[np.float32]], vectors: NDArray[np.float32]
) -> dict[str, Any]:
    """Evaluate the ensemble and each member on the same test pairs: those of the first member with test pairs."""
    methods: dict[str, dict[str, Any]] = {name: {} for name in ("ensemble", *data.runs)}
    pairs = next(filter(None, (_test_pairs(run, ids) for run in data.runs.values())), None)
    if pairs is not None:
        unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
        for name, found in zip(methods, (unit, *members)):
            methods[name]["test"] = judge(pair_cosines(found, pairs), pairs)
    return methods


def _test_pairs(run: SimilarityRun, ids: pd.Index) -> ScoredPairs | None:
    """Return the test pairs of a run, without those of its fold, which validate one member and train the others."""
    path = run.directory.path / PREDICTIONS
    if not path.exists():
        return None
    stored = read_npz(path, ("query_id", "candidate_id", "score", "split"))
    rows = stored["split"] == "test"
    if not rows.any():
        return None
    return ScoredPairs.from_ids(stored["query_id"][rows], stored["candidate_id"][rows], stored["score"][rows], ids)
