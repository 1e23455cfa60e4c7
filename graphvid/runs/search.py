"""Export of the vectors of a run to files and indices, and search with them; `graphvid export` and `search` call it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import check_choice, check_count
from graphvid._files import check_output
from graphvid.data import Features
from graphvid.retrieval import (
    CODED,
    CodeIndex,
    FaissIndex,
    VectorIndex,
    as_kind_of,
    files_at,
    fingerprint,
    open_index,
    save_vectors,
    to_faiss,
)

from .run import Run, VectorRun
from .vectors import row_of

_SUFFIXES = {"faiss": ".faiss", "parquet": ".parquet", "npy": ".npy"}
Index = VectorIndex | CodeIndex | FaissIndex


def export(
    run: Run,
    out: str | os.PathLike[str],
    *,
    to: Literal["faiss", "parquet", "npy"] = "faiss",
    kind: str | None = None,
    metric: Literal["cosine", "dot"] | None = None,
    of: str | None = None,
    **options: int,
) -> list[Path]:
    """Write the vectors of a run for another program, completely or not at all.

    Parameters
    ----------
    run : Run
        A finished run that has vectors; see `graphvid.load_run`.
    out : path-like
        The file, ending in ``.faiss``, ``.parquet`` or ``.npy`` according to ``to``, outside the folder of the run. It
        replaces an earlier export.
    to : {"faiss", "parquet", "npy"}, default "faiss"
        Form of the file; see `graphvid.retrieval.FaissIndex.save` and `graphvid.retrieval.save_vectors`.
    kind : str, optional
        Kind of a FAISS index: ``"flat"`` (the default), ``"hnsw"``, ``"pq"``, ``"ivfpq"`` or ``"fastscan"``. The last three
        hold the codes of the run, if it has learned codes.
    metric : {"cosine", "dot"}, optional
        Metric of a FAISS index: "cosine" (the default) for items near an item; "dot" for the scores of a recommender, whose
        queries are vectors of users.
    of : str, optional
        Kind of vectors, for a run with several kinds: ``"item"`` (the default) or ``"user"``.
    **options : int
        Options of a FAISS index; see `graphvid.retrieval.to_faiss`.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    FileNotFoundError, ImportError, TypeError, ValueError
        An unfinished run or one without vectors; another suffix; a path in the folder of the run; options that do not belong
        to the form; and as `graphvid.retrieval.to_faiss` raises.
    """
    check_choice("to", to, _SUFFIXES)
    target = Path(out)
    if target.suffix != _SUFFIXES[to]:
        raise ValueError(f"out must end in {_SUFFIXES[to]} for {to}, got {target.name!r}")
    given = [name for name, value in (("kind", kind), ("metric", metric)) if value is not None] + sorted(options)
    if to != "faiss" and given:
        raise ValueError(f"{given} must be given for faiss only, got them for {to}")
    for file in files_at(target):
        check_output(file, [run.directory.path])
    learnt = _with_vectors(run)
    vectors = learnt.vectors(of)
    embedding = vectors.modalities["embedding"]
    if to != "faiss":
        return save_vectors(target, embedding, vectors.ids)
    made_from = fingerprint(embedding, vectors.ids)
    items: VectorIndex | CodeIndex | None = learnt.codes() if kind in CODED and of is None else None
    if items is None:
        items = VectorIndex(embedding, vectors.ids, metric=metric or "cosine")
    elif metric is not None:
        raise ValueError(f"metric must not be given for the codes of a run, whose scores are products, got {metric!r}")
    to_faiss(items, kind or "flat", origin=made_from, **options).save(target)  # type: ignore[arg-type] # checked there
    return files_at(target)


def search(
    *,
    run: Run | None = None,
    index: str | os.PathLike[str] | None = None,
    video_id: Any | None = None,  # Any: an id or its text
    features: Any | None = None,  # Any: what the run's `embed` takes
    exclude: Iterable[str] = (),
    top_k: int = 10,
    of: str | None = None,
) -> pd.DataFrame:
    """Return the items of an index, or of a run, that are nearest to a video of a run or to new videos.

    Parameters
    ----------
    run : Run, optional
        A finished run that has vectors. With ``features`` it embeds them.
    index : path-like, optional
        A ``.faiss`` or ``.safetensors`` index; see `graphvid.retrieval.open_index`. Default: the vectors of the run,
        searched exactly, by cosine. If both are given, the index must have been made from the vectors of the run.
    video_id : hashable, optional
        A video of the run; its text form is accepted too. The result excludes it.
    features : Features, optional
        New videos instead: the features that the run embeds, or another input of its ``embed`` (see `Run.read_inputs`), or
        without a run the vectors themselves, one modality.
    exclude : iterable of str
        Ids in their text form to exclude from the result; ids that are not in the index have no effect.
    top_k : int, default 10
        Items for each query, >= 1; at most all.
    of : str, optional
        As in `export`.

    Returns
    -------
    DataFrame
        Columns ``query_id``, ``video_id`` and ``score``, for each query the highest score first.

    Raises
    ------
    KeyError
        The run has no such video.
    FileNotFoundError, ImportError, TypeError, ValueError
        Not exactly one of ``video_id`` and ``features``; neither ``run`` nor ``index``; ``of`` without ``run``; an index of
        another dimension, of other ids or of other vectors than those of the run; a run that does not embed; a file that
        is no index.
    """
    if (video_id is None) == (features is None):
        raise ValueError(
            f"exactly one of video_id and features must be given, got {'neither' if features is None else 'both'}"
        )
    if run is None and (index is None or video_id is not None):
        raise ValueError(f"run must be given {'with video_id' if video_id is not None else 'where index is not'}")
    if run is None and of is not None:
        raise ValueError(f"of must be given with run only, got {of!r}")
    top_k = check_count("top_k", top_k)
    vectors = None if run is None else _with_vectors(run).vectors(of)
    opened = _open(index, run, vectors)
    names, queries, barred = _queries(run, vectors, video_id, features)
    if queries.shape[1] != opened.dim:
        raise ValueError(f"the index has vectors of {opened.dim} dimensions, the queries have {queries.shape[1]}")
    left_out = as_kind_of("exclude", [str(name) for name in (*exclude, *barred)], opened.ids)
    num_left = opened.num_items - int(np.isin(opened.ids, left_out).sum())
    if num_left == 0:
        raise ValueError(f"exclude must leave an item to be found, got all {opened.num_items} of the index")
    width = min(top_k, num_left)
    found = opened.search(queries, width, exclude=left_out)
    return pd.DataFrame(
        {"query_id": np.repeat(names, width), "video_id": found.ids.ravel(), "score": found.scores.ravel()}
    )


def _with_vectors(run: Run) -> VectorRun:
    if not isinstance(run, VectorRun):
        raise ValueError(f"{run.directory.path} holds a run of {run.config['title']}, which has no vectors")
    return run


def _open(path: str | os.PathLike[str] | None, run: Run | None, vectors: Features | None) -> Index:
    """Return the index to search; without a path, that of the run's vectors."""
    if vectors is None:
        assert path is not None
        return open_index(path)
    embedding = vectors.modalities["embedding"]
    if path is None:
        return VectorIndex(embedding, vectors.ids)
    assert run is not None
    opened, where = open_index(path), run.directory.path
    if opened.dim != embedding.shape[1]:
        raise ValueError(
            f"{os.fspath(path)} has vectors of {opened.dim} dimensions, those of {where} have {embedding.shape[1]}"
        )
    if opened.origin is None:
        _check_ids(path, where, opened.ids, vectors.ids)
    elif opened.origin != fingerprint(embedding, vectors.ids):
        _check_ids(path, where, opened.ids, vectors.ids)
        raise ValueError(f"{os.fspath(path)} was made from other vectors than those of {where}; export them again")
    return opened


def _check_ids(path: str | os.PathLike[str], where: Path, ids: NDArray[Any], own: pd.Index) -> None:
    """Raise unless an index has the ids of a run."""  # Any: int64 or text
    stored, wanted = set(ids.tolist()), set(own.tolist())
    if stored != wanted:
        raise ValueError(
            f"{os.fspath(path)} has other ids than the vectors of {where}: {len(stored - wanted)} of its {len(stored)} are "
            f"not in the run, {len(wanted - stored)} of the {len(wanted)} of the run are not in it"
        )


def _queries(
    run: Run | None, vectors: Features | None, video_id: Any | None, features: Any | None
) -> tuple[NDArray[Any], NDArray[np.float32], list[Any]]:
    """Return the names of the queries, their vectors, and the ids to exclude."""
    # Any: an id; see `search`
    if features is None:
        assert run is not None
        assert vectors is not None
        row = row_of(vectors.ids, video_id, "video_id", f"videos of {run.directory.path}")
        name = vectors.ids[row]
        return np.array([name]), vectors.modalities["embedding"][[row]], [name]
    embedded = features.dense() if run is None else run.answer("embed")(features)
    tables = embedded.modalities
    if len(tables) != 1:
        raise ValueError(f"features must have one modality, the vectors, where no run embeds them, got {list(tables)}")
    return embedded.ids.to_numpy(), next(iter(tables.values())), []
