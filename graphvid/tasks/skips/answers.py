"""Answers of a run of the task skips: predictions and a second evaluation, from its stored views and clips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._files import atomic_path, read_npz
from graphvid.data import ClipFeatures, WatchLog, match_ids
from graphvid.models import FRAME, FRAMEConfig
from graphvid.runs import Json, Run, RunDirectory, storable

from .outcomes import forecast, forecasts, outcomes, score
from .source import Views

NETWORK = "network.safetensors"
_VIEWS, _CLIPS = "views.npz", "clips"
_MEASURES = ("watch_time", "duration", "timestamp")
_COLUMNS = ("complete", "offending_clip", "best_clip", "watch_ratio")


def write_memory(run: RunDirectory, log: WatchLog, clips: ClipFeatures) -> None:
    """Write the training views and the clips of the model."""
    arrays = {"user": log.user, "video": log.video, "user_ids": storable(log.user_ids)}
    arrays |= {name: getattr(log, name) for name in _MEASURES if getattr(log, name) is not None}
    with atomic_path(run.path / _VIEWS) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type] # no array is called allow_pickle
    if not (run.path / _CLIPS).exists():
        ClipFeatures(pd.Index(storable(clips.ids)), clips.array).save(run.path / _CLIPS)


class SkipRun(Run):
    """A run of the task skips: it predicts who finishes a video, and where the others leave."""

    def training_views(self) -> WatchLog:
        """Return the training views of the model; every video of the run is in the vocabulary."""
        arrays = read_npz(self.directory.require(self.directory.path / _VIEWS), ("user", "video", "user_ids"))
        measures: dict[str, Any] = {name: arrays[name].astype(np.float64) for name in _MEASURES if name in arrays}
        user, video = (arrays[name].astype(np.int64) for name in ("user", "video"))
        return WatchLog(user, video, pd.Index(arrays["user_ids"]), self.clips().ids, **measures)

    def model(self, *, progress: bool = False) -> FRAME:
        """Return the trained model, in evaluation mode.

        Parameters
        ----------
        progress : bool, default False
            Show a bar while the features are read.

        Raises
        ------
        FileNotFoundError
            The run is unfinished.
        ValueError
            Its weights are corrupt or of another model.
        """
        return self._model(self.training_views(), progress=progress)

    def _model(self, views: WatchLog, *, progress: bool) -> FRAME:
        self.directory.require(self.directory.path / NETWORK)
        options = self.options
        assert isinstance(options, FRAMEConfig)
        model = FRAME(views, self.clips(), options, progress=progress)
        self.load_weights(model, NETWORK)
        return model

    def evaluate(self, *, progress: bool = True) -> Json:
        """Read the source again, predict its test views with the saved model, and compare it with the baselines.

        Parameters
        ----------
        progress : bool, default True
            Show a bar while the features are read.

        Returns
        -------
        dict
            One entry for each method, as in ``metrics.json`` under ``"methods"``.

        Raises
        ------
        FileNotFoundError
            The source is gone, or the run is unfinished.
        ValueError
            The source has changed since the run, or the run was trained on all views and has no test views.
        """
        model = self.model(progress=progress)
        views: Views = self.read_source(progress=progress)
        if views.test is None:
            raise ValueError(
                f"{self.directory.path} holds a run that was trained on all views, so nothing can be judged"
            )
        test = outcomes(views, model.labels.num_clips, model.config)
        said = forecast(model.predict(test.known_user, test.video, durations=test.duration))
        methods = forecasts(test, model.labels, views.train, said, views.oracle)
        return {name: score(test, one) for name, one in methods.items()}

    def predict(self, log: WatchLog, *, clips: ClipFeatures | None = None, progress: bool = False) -> pd.DataFrame:
        """Return the predictions of the model for users and videos.

        Parameters
        ----------
        log : WatchLog
            Users and videos to score; of the other columns it reads only ``duration``. Ids are compared as text. An unknown
            user counts as a user without a past.
        clips : ClipFeatures, optional
            Clips of videos outside the run, with the number of clips of the model, or a multiple, which is averaged.
        progress : bool, default False
            Show a bar while the features are read.

        Returns
        -------
        DataFrame
            A row for every row of ``log``: ``user_id``, ``video_id``, ``complete`` (probability), ``offending_clip`` and
            ``best_clip`` (where this user most and least likely leaves, counted from 0), and with the survival head
            ``watch_ratio`` (expected share watched) and ``watch_time`` (that share in seconds; NaN where neither ``log``
            nor the training views have the duration). ``attrs`` counts the rows of unknown users and videos.

        Raises
        ------
        FileNotFoundError, ValueError
            As `model` raises; a video that is in neither the run nor ``clips``; clips of another form.
        """
        views = self.training_views()
        model = self._model(views, progress=progress)
        user = match_ids(log.user_ids, views.user_ids)[log.user]
        video = match_ids(log.video_ids, views.video_ids)[log.video]
        new = video < 0
        duration = (
            np.where(new, np.nan, model.buckets.duration.cpu().numpy()[video]) if log.duration is None else log.duration
        )
        if new.any():
            clips, video[new] = _new_videos(log, new, clips, model.clips.num_clips)
        parts = []
        for rows, source in ((~new, None), (new, clips)):
            if rows.any():
                said = model.predict(user[rows], video[rows], clips=source, durations=duration[rows])
                columns = {name: getattr(said, name) for name in _COLUMNS}
                there = {name: values for name, values in columns.items() if values is not None}
                parts.append(pd.DataFrame(there, index=np.flatnonzero(rows)))
        table = pd.concat(parts).sort_index()
        if "watch_ratio" in table:
            table["watch_time"] = table["watch_ratio"] * duration
        ids = {"user_id": log.user_ids.take(log.user), "video_id": log.video_ids.take(log.video)}
        table = pd.concat([pd.DataFrame(ids), table], axis=1)
        table.attrs = {
            "rows of users that the run does not know": int((user < 0).sum()),
            "rows of videos that the run does not know": int(new.sum()),
        }
        return table

    def clips(self) -> ClipFeatures:
        """Return the clips of the model, memory-mapped."""
        return ClipFeatures.open(self.directory.require(self.directory.path / _CLIPS))


def _new_videos(
    log: WatchLog, new: NDArray[np.bool_], clips: ClipFeatures | None, num_clips: int
) -> tuple[ClipFeatures, NDArray[np.int64]]:
    """Return the clips with the model's number for each video, and the row in them of each ``new`` view."""
    ids = log.video_ids.take(log.video[new])
    known = pd.Index([] if clips is None else clips.ids.astype(str), dtype=object)
    row = known.get_indexer(ids.astype(str))
    if clips is None or (row < 0).any():
        absent = ids[row < 0].unique()
        raise ValueError(
            f"clips must be given for the {len(absent)} videos that the run does not know, got none for {absent[0]!r}"
        )
    return (clips if clips.num_clips == num_clips else clips.pool(num_clips)), row
