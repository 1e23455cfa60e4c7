"""A toy task: rows of a finished run's vectors, or of a file, that are counted, averaged or learnt.

It uses what no task of the library needs together: a source that may be a finished run, a method without gradient steps, a
command of its own, and an option of an answer.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
import torch
import typer
from lightning import LightningModule

from graphvid._record import Count, Record, Seed, record
from graphvid.data import Features, load_features
from graphvid.runs import Json, Method, Report, RunDirectory, Section, Table, Task, Training, VectorRun, write_vectors
from graphvid.sampling import ShuffledBatches
from graphvid.tasks import load_run


@record
class ToySource(Record):
    """Source of the rows.

    Parameters
    ----------
    features : str, optional
        File of features.
    from_run : str, optional
        A finished run, whose vectors are taken. Give one of the two.
    """

    files: ClassVar[tuple[str, ...]] = ("features", "from_run")
    features: str | None = None
    from_run: str | None = None

    def __post_init__(self) -> None:
        if (self.features is None) == (self.from_run is None):
            raise ValueError("exactly one of features and from_run must be given")


@record
class ToyConfig(Record):
    """Options of both methods.

    Parameters
    ----------
    num_epochs : int
        Passes over the rows.
    seed : int
        Of their order.
    """

    num_epochs: Count = 2
    seed: Seed = 0


@dataclass(frozen=True, eq=False)
class Rows:
    """Features of one modality."""

    features: Features

    @property
    def table(self) -> Any:
        return self.features.concatenate()

    def fingerprint(self) -> Json:
        ids = "\0".join(self.features.ids.astype(str))
        return {"num_rows": len(self.table), "crc32": zlib.crc32(self.table.tobytes(), zlib.crc32(ids.encode()))}


class Columns(NamedTuple):
    """Rows, as a batch."""

    rows: torch.Tensor


class Centre(LightningModule):
    """Learns the mean of the rows by gradient steps."""

    def __init__(self, rows: Rows, config: ToyConfig) -> None:
        super().__init__()
        self.config, self.rows = config, torch.from_numpy(rows.table)
        self.centre = torch.nn.Parameter(torch.zeros(self.rows.shape[1]))

    def training_step(self, batch: Columns, batch_idx: int) -> torch.Tensor:
        loss = (self.centre - batch.rows).square().sum(dim=1).mean()
        self.log("loss", loss.detach())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.05)

    def train_dataloader(self) -> Any:
        return ShuffledBatches(Columns(self.rows), 8, self.config.num_epochs, self.config.seed)


class ToyRun(VectorRun):
    """Its neighbours may be asked for beyond a similarity."""

    def neighbors(self, video_id: Any, *, top_k: int = 10, at_least: float = -1.0) -> pd.DataFrame:
        found = super().neighbors(video_id, top_k=top_k)
        return found[found["score"] >= at_least]


def centre(run: Annotated[Path, typer.Option(help="A run of the toy task.")]) -> None:
    """Print the centre that a toy run has found."""
    typer.echo(load_run(run).metrics["centre"])


class Toy(Task[ToySource, Rows]):
    """The centre of some rows, and the rows as seen from it."""

    source = ToySource
    methods: ClassVar[Mapping[str, Method]] = {
        "toy-mean": Method("mean", ToyConfig),
        "toy-learnt": Method("learnt centre", ToyConfig, Centre),
    }
    answers = ToyRun
    commands: ClassVar[Mapping[str, Callable[..., None]]] = {"centre": centre}

    def load(self, source: ToySource, *, progress: bool) -> Rows:
        if source.from_run is not None:
            return Rows(load_run(source.from_run).vectors())
        return Rows(load_features(str(source.features)))

    def prepare(self, run: RunDirectory, method: str, data: Rows, config: ToyConfig, *, progress: bool) -> Training:
        build = self.methods[method].build
        model = None if build is None else build(data, config)

        def finish(parts: Mapping[str, RunDirectory]) -> Json:
            found = data.table.mean(axis=0) if model is None else model.centre.detach().numpy()
            write_vectors(run, embedding=(data.features.ids, (data.table - found).astype(np.float32)))
            return {"centre": found.tolist()}

        return Training(finish, model)

    def report(self, run: RunDirectory) -> Report:
        rows = [[f"{i}", f"{x:.4f}"] for i, x in enumerate(run.read_metrics()["centre"])]
        return Report("Toy", "The centre.", [Section("Centre", "", Table(["column", "value"], rows))])
