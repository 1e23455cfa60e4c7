"""A run of `FRAME` from a watch log to a run directory: train, score the test views, compare with fewer clips."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from graphvid._files import atomic_path, write_json
from graphvid.data._files import read_arrays
from graphvid.models import FRAME, FRAMEConfig, SkipPrediction

from .checkpoint import read_tensors, write_tensors
from .directory import RunDirectory
from .frame_metrics import TRAINED, Forecast, Outcomes, compare, compare_clips, label, leaving_clips, outcomes
from .frame_report import PREDICTIONS, report
from .training import fit, training_callbacks, versions
from .views import Views, ViewSource, load_views

METHOD = "FRAME"
_SPLIT, _NETWORK = "split.npz", "network.safetensors"


def train_frame(
    source: ViewSource,
    out: str | os.PathLike[str],
    config: FRAMEConfig | None = None,
    *,
    ablation: bool = True,
    resume: bool = False,
    checkpoint_every: int = 50,
    log_every: int = 10,
    progress: bool = True,
) -> dict[str, Any]:
    """Train on the earlier views, predict the later ones, and train again with fewer clips to see what clips are worth.

    Parameters
    ----------
    source : ViewSource
        Where views and clips come from, and which views are for the test.
    out : path-like
        The run directory: the files of `RunDirectory` and ``split.npz`` (rows of training and test views),
        ``network.safetensors`` (weights, standardisation, and what was learnt of clips), ``predictions.npz`` (one row a
        test view), and with ``ablation`` one folder ``clips-N`` for each smaller number of clips, a run of its own.
    config : FRAMEConfig, optional
        Options of the model.
    ablation : bool, default True
        Train the same model on the same views with one clip a video, and with half the clips where that is a number.
    resume : bool, default False
        Continue the run in ``out``. A run killed at any moment ends, on the CPU, with the same files bit for bit.
    checkpoint_every : int, default 50
        Steps between checkpoints: what a killed run loses at most.
    log_every : int, default 10
        Steps that one row of the training log averages.
    progress : bool, default True
        Show progress bars, and say what is trained.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Raises
    ------
    FileExistsError, ValueError
        If ``out`` holds another run; see `RunDirectory.open`. If the views do not allow a training and an evaluation;
        ``out`` is then left as it was.
    """
    config = config if config is not None else FRAMEConfig()
    views = load_views(source)
    return _train(
        source, views, Path(out), config, ablation,
        resume=resume, checkpoint_every=checkpoint_every, log_every=log_every, progress=progress,
    )  # fmt: skip


def _train(
    source: ViewSource, views: Views, out: Path, config: FRAMEConfig, ablation: bool, *,
    resume: bool, checkpoint_every: int, log_every: int, progress: bool,
) -> dict[str, Any]:  # fmt: skip
    run = RunDirectory(out)
    callbacks = training_callbacks(run, log_every, checkpoint_every)
    num_clips = config.num_clips if config.num_clips is not None else views.clips.num_clips
    fewer = sorted({num_clips // 2, 1} if num_clips % 2 == 0 else {1}, reverse=True) if num_clips > 1 else []
    description = _describe(source, config, views, fewer if ablation else [])
    run.check(description, resume=resume)
    if run.metrics.exists():
        if not run.report.exists():
            report(run)
        return run.read_metrics()

    if source.strict:
        label(views.train, num_clips, config, strict=True)
    test = outcomes(views, num_clips, config, strict=source.strict)
    model = FRAME(views.train, views.clips, config, progress=progress)
    run.open(description, resume=resume)
    with atomic_path(run.path / _SPLIT) as temporary:
        np.savez(temporary, train=views.split["train"], test=views.split["test"])
    if progress:
        tqdm.write(f"Training with {num_clips} clip{'s' * (num_clips > 1)} a video")
    fit(model, len(model.train_dataloader()), callbacks, run, progress=progress)
    write_tensors(run.path / _NETWORK, model.state_dict())
    metrics = _evaluate(run, views, model, test)
    for count in fewer if ablation else []:
        coarse = _train(
            source, views, out / f"clips-{count}", replace(config, num_clips=count), False,
            resume=True, checkpoint_every=checkpoint_every, log_every=log_every, progress=progress,
        )  # fmt: skip
        fine, less = (_read_complete(folder) for folder in (out, out / f"clips-{count}"))
        found = {**coarse["methods"][TRAINED], "gauc_difference": compare_clips(test, fine, less)}
        metrics["ablation"].append({"num_clips": count, **found})
    write_json(run.metrics, metrics)
    report(run)
    return metrics


def load_frame(run_dir: str | os.PathLike[str], *, progress: bool = False) -> tuple[FRAME, Views]:
    """Give the trained model of a run, in evaluation mode, and the views it was made from, which are read again.

    Parameters
    ----------
    run_dir : path-like
        A run that has been trained.
    progress : bool, default False
        Show a bar while the features are read.

    Raises
    ------
    FileNotFoundError
        If the run is absent or unfinished, or its source is gone.
    ValueError
        If it is a run of another method, its source has changed, or its weights are corrupt or of another model.
    """
    run = RunDirectory(run_dir)
    config = run.read_config(METHOD)
    weights, _ = read_tensors(run.require(run.path / _NETWORK))
    views = load_views(ViewSource(**config["source"]))
    if (found := views.fingerprint()) != config["data"]:
        raise ValueError(f"the source of {run.path} has changed: it was {config['data']}, now {found}")
    model = FRAME(views.train, views.clips, FRAMEConfig.from_dict(config["model"]), progress=progress)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(
            f"{run.path / _NETWORK} holds the weights of another model than {run.config} describes"
        ) from error
    return model.eval(), views


def _evaluate(run: RunDirectory, views: Views, model: FRAME, test: Outcomes) -> dict[str, Any]:
    """Write what the model says of the test views, and return its figures, without those of fewer clips."""
    predicted = model.predict(test.known_user, test.video, durations=test.duration)
    _write_predictions(run, views, test, predicted)
    hazard = None if predicted.drop_off is None else 1 - predicted.stay.astype(np.float64)
    return {
        **compare(test, model.labels, views.train, Forecast(predicted.complete, hazard), views.oracle),
        "num_clips": test.num_clips,
        "clips": leaving_clips(model, views.train),
        "views": _count_views(views, model, test),
        "ablation": [],
    }


def _read_complete(folder: Path) -> NDArray[np.float64]:
    return read_arrays(folder / PREDICTIONS, ("complete",))["complete"].astype(np.float64)


def _write_predictions(run: RunDirectory, views: Views, test: Outcomes, said: SkipPrediction) -> None:
    columns = {
        "user_id": _storable(views.test.user_ids.take(test.user)),
        "video_id": _storable(views.test.video_ids.take(test.video)),
        "row": test.row,
        "stop": test.stop,
        "watch_time": test.seconds,
        "duration": test.duration,
        **{name: values for name, values in said._asdict().items() if values is not None},
    }
    with atomic_path(run.path / PREDICTIONS) as temporary:
        np.savez_compressed(temporary, **columns)


def _storable(ids: pd.Index) -> NDArray[Any]:
    """Return ids as integers, or as text where they are anything else."""
    return ids.to_numpy() if ids.dtype == np.int64 else ids.astype(str).to_numpy().astype(np.str_)


def _describe(source: ViewSource, config: FRAMEConfig, views: Views, fewer: list[int]) -> dict[str, Any]:
    return {
        "method": METHOD,
        "model": config.to_dict(),
        "ablation": fewer,
        "data": views.fingerprint(),
        "source": source.to_dict(),
        "versions": versions(),
    }


def _count_views(views: Views, model: FRAME, test: Outcomes) -> dict[str, Any]:
    """Count the views that were used, and those that were not by reason."""
    dropped = dict(views.dropped)
    for labels in (model.labels.dropped, test.dropped):
        for reason, count in labels.items():
            if count:
                dropped[reason] = dropped.get(reason, 0) + count
    return {
        "training": len(model.labels.row),
        "test": len(test.row),
        "test_of_new_users": int((test.known_user < 0).sum()),
        "test_of_new_videos": int((~np.isin(test.video, model.labels.video)).sum()),
        "dropped": dropped,
    }
