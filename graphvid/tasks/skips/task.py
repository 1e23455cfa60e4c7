"""The task skips: train on the earlier views, predict the later ones, and repeat it with fewer clips as an ablation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from graphvid._files import atomic_path, read_npz
from graphvid.models import FRAME, FRAMEConfig, SkipPrediction
from graphvid.runs import Json, Method, Part, Parts, Report, RunDirectory, Task, Training, storable, write_tensors

from .answers import NETWORK, SkipRun, write_memory
from .outcomes import TRAINED, Outcomes, compare, compare_clips, forecast, label, leaving_clips, outcomes
from .report import PREDICTIONS, report
from .source import Views, ViewSource, load_views

_SPLIT = "split.npz"


class Skips(Task[ViewSource, Views]):
    """Task of skips: predict who finishes a video, and at which clip the others leave.

    A run adds the files ``split.npz`` (rows of training and test views), ``network.safetensors`` (weights, standardisation,
    and learned columns of clips), ``predictions.npz`` (one row for each test view), ``views.npz`` and ``clips/`` (the
    training views and the clips, from which `SkipRun.model` builds the graph again), and with ``source.ablation`` one folder
    ``clips-N`` for each smaller number of clips, a separate run.
    """

    source = ViewSource
    methods: ClassVar[Mapping[str, Method]] = {"frame": Method(TRAINED, FRAMEConfig)}
    answers = SkipRun

    def load(self, source: ViewSource, *, progress: bool) -> Views:
        """Read the views and the clips."""
        return load_views(source)

    def parts(self, source: ViewSource, data: Views, method: str, config: FRAMEConfig) -> Mapping[str, Part]:
        """Return the same training with half the clips and with one."""
        num_clips = _num_clips(data, config)
        if not source.ablation or num_clips == 1 or data.test is None:
            return {}
        fewer = sorted({num_clips // 2, 1} if num_clips % 2 == 0 else {1}, reverse=True)
        single = replace(source, ablation=False)
        return {f"clips-{count}": Part(method, single, replace(config, num_clips=count)) for count in fewer}

    def prepare(self, run: RunDirectory, method: str, data: Views, config: FRAMEConfig, *, progress: bool) -> Training:
        """Label the views and build the graph and the network."""
        num_clips = _num_clips(data, config)
        if data.strict:
            label(data.train, num_clips, config, strict=True)
        test = None if data.test is None else outcomes(data, num_clips, config, strict=data.strict)
        model = FRAME(data.train, data.clips, config, progress=progress)

        def begin(parts: Parts) -> None:
            with atomic_path(run.path / _SPLIT) as temporary:
                np.savez(temporary, train=data.split["train"], test=data.split["test"])
            write_memory(run, data.train, model.clips)
            if progress:
                tqdm.write(f"Training with {num_clips} clip{'s' * (num_clips > 1)} a video")

        def finish(parts: Parts) -> Json:
            write_tensors(run.path / NETWORK, model.state_dict())
            if test is None:
                clips, views = leaving_clips(model, data.train), _count_views(data, model, None)
                return {
                    "verdicts": [],
                    "methods": {},
                    "num_clips": num_clips,
                    "clips": clips,
                    "views": views,
                    "ablation": [],
                }
            metrics = _evaluate(run, data, model, test)
            for part in parts.values():
                coarse = part.read_metrics()
                fine, less = (_read_complete(folder) for folder in (run.path, part.path))
                found = {**coarse["methods"][TRAINED], "gauc_difference": compare_clips(test, fine, less)}
                metrics["ablation"].append({"num_clips": coarse["num_clips"], **found})
            return metrics

        return Training(finish, model, begin)

    def report(self, run: RunDirectory) -> Report:
        """Describe a finished run."""
        return report(run)


def _num_clips(views: Views, config: FRAMEConfig) -> int:
    return config.num_clips if config.num_clips is not None else views.clips.num_clips


def _evaluate(run: RunDirectory, views: Views, model: FRAME, test: Outcomes) -> dict[str, Any]:
    """Write the predictions of the test views, and return the figures, without those of fewer clips."""
    predicted = model.predict(test.known_user, test.video, durations=test.duration)
    _write_predictions(run, views, test, predicted)
    return {
        **compare(test, model.labels, views.train, forecast(predicted), views.oracle),
        "num_clips": test.num_clips,
        "clips": leaving_clips(model, views.train),
        "views": _count_views(views, model, test),
        "ablation": [],
    }


def _read_complete(folder: Path) -> NDArray[np.float64]:
    return read_npz(folder / PREDICTIONS, ("complete",))["complete"].astype(np.float64)


def _write_predictions(run: RunDirectory, views: Views, test: Outcomes, said: SkipPrediction) -> None:
    assert views.test is not None
    columns = {
        "user_id": storable(views.test.user_ids.take(test.user)),
        "video_id": storable(views.test.video_ids.take(test.video)),
        "row": test.row,
        "stop": test.stop,
        "watch_time": test.seconds,
        "duration": test.duration,
        **{name: values for name, values in said._asdict().items() if values is not None},
    }
    with atomic_path(run.path / PREDICTIONS) as temporary:
        np.savez_compressed(temporary, **columns)


def _count_views(views: Views, model: FRAME, test: Outcomes | None) -> dict[str, Any]:
    """Count the used views, and the unused ones by reason."""
    dropped = dict(views.dropped)
    for labels in (model.labels.dropped, {} if test is None else test.dropped):
        for reason, count in labels.items():
            if count:
                dropped[reason] = dropped.get(reason, 0) + count
    return {
        "training": len(model.labels.row),
        "test": 0 if test is None else len(test.row),
        "test_of_new_users": 0 if test is None else int((test.known_user < 0).sum()),
        "test_of_new_videos": 0 if test is None else int((~np.isin(test.video, model.labels.video)).sum()),
        "dropped": dropped,
    }
