"""A finished run as an object: its options, figures and training log, and the answers that its task adds."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

from graphvid._checks import check_count
from graphvid._record import Record
from graphvid.data import Features, load_features
from graphvid.retrieval import CodeIndex, VectorIndex

from .checkpoint import read_tensors
from .directory import Json, RunDirectory
from .vectors import CODES, read_vectors, rows_of

if TYPE_CHECKING:
    from lightning import LightningModule
    from torch import nn

ANSWERS = ("evaluate", "embed", "neighbors", "recommend", "predict", "link")


class Data(Protocol):
    """Protocol of the content of a source after reading."""

    def fingerprint(self) -> Json:
        """Return name, counts and a checksum over values and ids: equal for equal data."""


class AskedMethod(Protocol):
    """Protocol of a method with the attributes that a run reads; `graphvid.runs.Method` has them."""

    @property
    def title(self) -> str:
        """Name in headings and tables."""

    @property
    def config(self) -> type[Record]:
        """Class of its options."""

    @property
    def build(self) -> Callable[..., Any] | None:  # Any: as in `Method`
        """Maker of its model, if it has one."""


class AskedTask(Protocol):
    """Protocol of a task with the attributes that a run reads; `graphvid.runs.Task` has them."""

    @property
    def source(self) -> type[Record]:
        """Class of its sources."""

    @property
    def methods(self) -> Mapping[str, AskedMethod]:
        """Its methods by the word of the command."""

    def load(self, source: Any, *, progress: bool) -> Data:  # Any: a record of the class ``source``
        """Read the source."""


class Run:
    """A run in a directory, from `graphvid.load_run`; the subclass of a task adds the answers of its runs.

    Parameters
    ----------
    path : path-like
        The run directory.
    task : Task
        The task of its method.

    Attributes
    ----------
    directory : RunDirectory
        Its files.
    config : dict
        The content of ``config.json``.
    method : str
        The word of the command, such as ``"simplex"``.
    """

    def __init__(self, path: str | os.PathLike[str], task: AskedTask) -> None:
        self.directory = RunDirectory(path)
        self.config: Json = self.directory.read_config()
        self.method: str = self.config["method"]
        self._task = task

    @property
    def options(self) -> Record:
        """The options of the method, as the record that it has."""
        return self._task.methods[self.method].config.from_dict(self.config["model"])

    @property
    def source(self) -> Record:
        """Source of the data."""
        return self._task.source.from_dict(self.config["source"])

    @property
    def metrics(self) -> Json:
        """The content of ``metrics.json``."""
        return self.directory.read_metrics()

    @property
    def history(self) -> pd.DataFrame:
        """The training log: ``step``, then one column for each statistic."""
        return pd.read_csv(self.directory.require(self.directory.training_log))

    def model(self) -> LightningModule | nn.Module:
        """Return the trained model, in evaluation mode."""
        raise ValueError(f"{self.directory.path} holds a run of {self.config['title']}, which has no model to load")

    def answers(self) -> list[str]:
        """Return the names of the run's answers."""
        return [name for name in ANSWERS if callable(getattr(self, name, None))]

    def answer(self, name: str) -> Any:
        """Return the method of this name, or raise a ValueError that lists the run's answers."""
        if name not in self.answers():
            raise ValueError(
                f"{self.directory.path} holds a run of {self.config['title']}, which does not answer {name!r}; it answers "
                f"{self.answers()}"
            )
        return getattr(self, name)

    def read_inputs(self, path: str | os.PathLike[str]) -> Any:  # Any: what the task's `embed` takes
        """Read the input of ``embed`` from a file: features as arrays in memory; a subclass may read another form."""
        return load_features(os.fspath(path)).dense()

    def load_weights(self, model: nn.Module, file: str) -> None:
        """Fill ``model`` with the weights of a file of the run, and set it to evaluation mode.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            The file is truncated, corrupt or of another model.
        """
        path = self.directory.require(self.directory.path / file)
        weights, _ = read_tensors(path)
        try:
            model.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(
                f"{path} holds the weights of another model than {self.directory.config} describes"
            ) from error
        model.eval()

    def read_source(self, *, progress: bool = True) -> Any:  # Any: the data of the task
        """Read the source of the run again.

        Parameters
        ----------
        progress : bool, default True
            Show a bar on long work.

        Raises
        ------
        FileNotFoundError
            The source is gone.
        ValueError
            The source has changed: its fingerprint differs.
        """
        data = self._task.load(self.source, progress=progress)
        found = data.fingerprint()
        if found != self.config["data"]:
            raise ValueError(
                f"the source of {self.directory.path} has changed: it was {self.config['data']}, now {found}"
            )
        return data


class VectorRun(Run):
    """A run that has learned vectors."""

    def vectors(self, of: str | None = None) -> Features:
        """Return the vectors that the run has learned, with their ids; see `graphvid.runs.read_vectors`."""
        return read_vectors(self.directory, of)

    def codes(self) -> CodeIndex | None:
        """Return the codes that the run has learned, read from ``codes.safetensors``, or None without codes.

        Raises
        ------
        ValueError
            The file is damaged.
        """
        path = self.directory.path / CODES
        return CodeIndex.load(path) if path.exists() else None

    def neighbors(self, video_id: Any, *, top_k: int = 10) -> pd.DataFrame:
        """Return the videos most similar to one video of the run, or to each of several.

        Parameters
        ----------
        video_id : hashable, or list of hashable
            Id of the video, or a list of ids; their text form is accepted too.
        top_k : int, default 10
            Number of videos, at least 1; at most all others.

        Returns
        -------
        DataFrame
            Columns ``video_id`` and ``score`` (cosine, in [-1, 1]), most similar first, ties by id. For a list, a column
            ``query_id`` before them, in the order of the list.

        Raises
        ------
        KeyError
            The run has no such video.
        ValueError
            ``top_k`` is below 1.
        """
        top_k, vectors = check_count("top_k", top_k), self.vectors()
        embedding = vectors.modalities["embedding"]
        asked = video_id if isinstance(video_id, list) else [video_id]
        rows = rows_of(vectors.ids, asked, "video_id", f"videos of {self.directory.path}")
        width = min(top_k, len(embedding) - 1)
        found = VectorIndex(embedding, vectors.ids).search(embedding[rows], width + 1)  # a video and its neighbours
        own = vectors.ids.to_numpy()[rows]
        others = found.ids != own[:, None]
        others[others.all(axis=1), -1] = False  # ties with lower ids may exclude the video itself
        table = pd.DataFrame({"video_id": found.ids[others], "score": found.scores[others]})
        if isinstance(video_id, list):
            table.insert(0, "query_id", np.repeat(own, width))
        return table
