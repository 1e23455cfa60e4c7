"""The protocol of tasks: a task defines its source, its methods, the training and evaluation, and the report."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from lightning import Callback, LightningModule

from graphvid._record import Record

from .directory import Json, RunDirectory
from .report import Report
from .run import Data, Run

S = TypeVar("S", bound=Record)
D = TypeVar("D", bound=Data)
Parts = Mapping[str, RunDirectory]  # finished runs inside this one, by folder


@dataclass(frozen=True)
class Method:
    """A method of a task.

    Parameters
    ----------
    title : str
        Its name in headings and tables.
    config : type of Record
        Its options.
    build : callable, optional
        Function that makes the model, for tasks with several models; the task defines its arguments.
    answers : type of Run, optional
        Class of its runs, if they have more answers than those of the task.
    """

    title: str
    config: type[Record]
    build: Callable[..., Any] | None = None  # Any: what the task asks for
    answers: type[Run] | None = None


@dataclass(frozen=True)
class Part:
    """A run inside a run: it learns from the same data.

    Parameters
    ----------
    method : str
        A method of the same task.
    source : Record
        The source of this part; its options may differ from those of the whole run.
    config : Record
        Options of the method.
    """

    method: str
    source: Record
    config: Record


def _nothing(parts: Parts) -> None:
    """Write nothing."""


@dataclass(frozen=True)
class Training:
    """A model that is ready for training, with functions for the time before and after; nothing is written yet.

    Parameters
    ----------
    finish : callable
        Writes weights, vectors and predictions, and returns the content of ``metrics.json``.
    model : LightningModule, optional
        ``len(model.train_dataloader())`` is the number of its steps. None for a method without gradient steps.
    begin : callable, optional
        Writes the files that are known before training, such as the split.
    callbacks : sequence of Callback
        They run between the log and the checkpoint, which holds their state.
    log_every, checkpoint_every : int
        Default number of steps that a row of the training log averages, and of steps between checkpoints.
    settle : callable, optional
        Returns the model after the parts are finished, for a method whose parts choose its options; ``model`` has the options
        without that choice.
    """

    finish: Callable[[Parts], Json]
    model: LightningModule | None = None
    begin: Callable[[Parts], None] = _nothing
    callbacks: Sequence[Callback] = ()
    log_every: int = 10
    checkpoint_every: int = 50
    settle: Callable[[Parts], LightningModule] | None = None


class Task(ABC, Generic[S, D]):
    """Base class of tasks: source, methods, training, evaluation and report.

    A subclass names its ``source``, its ``methods`` by the word of the command, the class of its ``answers``, and the
    ``commands`` that it adds to ``graphvid``, if any: functions whose parameters `typer` reads.
    """

    source: ClassVar[type[Record]]
    methods: ClassVar[Mapping[str, Method]]
    answers: ClassVar[type[Run]] = Run
    commands: ClassVar[Mapping[str, Callable[..., None]]] = {}

    @abstractmethod
    def load(self, source: S, *, progress: bool) -> D:
        """Read the source."""

    @abstractmethod
    def prepare(self, run: RunDirectory, method: str, data: D, config: Any, *, progress: bool) -> Training:
        """Build the model, and raise all errors of data or options before anything is written."""

    @abstractmethod
    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run only from the files of its directory."""

    def parts(self, source: S, data: D, method: str, config: Any) -> Mapping[str, Part]:
        """Return, by folder, the runs to make inside this one before its training; by default none."""
        return {}

    def check(self, source: S, method: str, config: Any) -> None:
        """Raise for options that contradict each other, before the source is read; a task may add checks."""
