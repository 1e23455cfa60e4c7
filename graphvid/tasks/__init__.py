"""Tasks, one folder for each kind of problem, and the index of all methods.

Listing the methods imports no task; a task is imported on its first use.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from graphvid._record import Record
    from graphvid.runs import Device, Json, Run, Task


class Entry(NamedTuple):
    """A method or a command in the index: the class of its task, and a sentence for the list of commands."""

    task: str
    summary: str


METHODS: Mapping[str, Entry] = {
    "rgc": Entry(
        "co_watch.CoWatch", "Relational graph clustering: vectors that place co-watched videos close together."
    ),
    "frame": Entry("skips.Skips", "FRAME: who finishes which video, and at which clip the others leave."),
    "mf": Entry(
        "recommendation.Recommendation",
        "Matrix factorisation: a vector for every user and item, with CCL or another loss.",
    ),
    "simplex": Entry(
        "recommendation.Recommendation", "SimpleX: a user's own vector and a mean of what they took, with CCL."
    ),
    "lightgcn": Entry(
        "recommendation.Recommendation", "LightGCN: vectors averaged over the hops of the user-item graph."
    ),
    "two-tower": Entry(
        "recommendation.Recommendation",
        "Two towers: items from their features, with negatives from other rows and earlier batches.",
    ),
    "mecoq": Entry("codes.Codes", "MeCoQ: codes of a few bytes from features, without labels."),
    "phpq": Entry("codes.Codes", "PHPQ-style: codes of a few bytes from features and labels, or links of a run."),
    "periodic-interests": Entry(
        "next_poi.NextPoi", "Periodic interests, after ST-PIL: where a user goes next, from weekdays, hours and areas."
    ),
    "gru": Entry("next_poi.NextPoi", "GRU over the last check-ins: the plain way to say where a user goes next."),
    "counts": Entry("next_poi.NextPoi", "Mixture of counts of visits: where a user goes next, without gradient steps."),
    "link-local": Entry(
        "linking.Linking", "Linking by itself: prior, words around and type say which entity is meant."
    ),
    "link-global": Entry("linking.Linking", "Linking with coherence: all mentions of a document exchange messages."),
    "link-graph": Entry(
        "linking.Linking", "Linking along links: likely candidates speak for the entities they link to."
    ),
    "twin-tower": Entry(
        "similarity.Similarity",
        "Twin tower: vectors from frames and titles, whose cosines follow scores that people gave.",
    ),
    "moco": Entry("clips.Clips", "MoCo on clips of videos, without labels: another crop of a clip, against a queue."),
    "simclr": Entry("clips.Clips", "SimCLR on clips of videos: two crops of a clip, against the batch."),
    "triplet": Entry("clips.Clips", "Triplets of clips of videos, with semi-hard negatives of the batch."),
    "be": Entry("clips.Clips", "Background erasing: clips of videos with a still frame mixed in."),
    "be-released": Entry("clips.Clips", "Background erasing as its code has it: another segment is pushed too."),
    "dsm": Entry("clips.Clips", "Scene and motion decoupled: warped clips of videos, against shuffled ones."),
    "vtdl": Entry("clips.Clips", "Temporal discrimination: clips of videos, against other segments of the same."),
    "stcr": Entry("clips.Clips", "Consistency: maps of turned and mixed clips of videos must follow the turn."),
    "motion-contrast": Entry("clips.Clips", "Clips of videos by what moves: frame differences, shuffled negatives."),
    "ensemble": Entry("similarity.Ensembles", "Several finished twin towers as one; see also graphvid ensemble."),
}
COMMANDS: Mapping[str, Entry] = {  # commands that a task adds to `graphvid`
    "link": Entry("linking.Linking", "Say which entity each mention in texts means."),
    "ensemble": Entry("similarity.Similarity", "Join finished twin towers and judge the result beside each of them."),
}

__all__ = ["COMMANDS", "METHODS", "Entry", "load_run", "task_of", "train"]


def task_of(method: str) -> Task[Any, Any]:
    """Return the task of a method.

    Raises
    ------
    ValueError
        A method that is not in `METHODS`.
    """
    if method not in METHODS:
        raise ValueError(f"method must be one of {sorted(METHODS)}, got {method!r}")
    return load_task(METHODS[method])


def load_task(entry: Entry) -> Task[Any, Any]:
    """Import the task of an entry of the index."""
    module, _, name = entry.task.rpartition(".")
    path = module if "." in module else f"{__name__}.{module}"
    task: Task[Any, Any] = getattr(importlib.import_module(path), name)()
    return task


def train(
    method: str,
    source: Record,
    out: str | os.PathLike[str],
    config: Record | None = None,
    *,
    resume: bool = False,
    log_every: int | None = None,
    checkpoint_every: int | None = None,
    progress: bool = True,
    device: Device = "auto",
) -> Json:
    """Train a method by its name; see `graphvid.runs.train`.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    source, out, config, resume, log_every, checkpoint_every, progress, device
        As in `graphvid.runs.train`.

    Returns
    -------
    dict
        The content of ``metrics.json``.

    Examples
    --------
    >>> import tempfile
    >>> from graphvid.models import MFConfig
    >>> from graphvid.tasks.recommendation import InteractionSource
    >>> folder = tempfile.mkdtemp()
    >>> source = InteractionSource(dataset="synthetic")
    >>> _ = train("mf", source, folder, MFConfig(dim=8, num_epochs=1), progress=False)
    >>> load_run(folder).recommend(7, top_k=3).columns.tolist()
    ['item_id', 'score']
    """
    from graphvid.runs import train as run

    return run(
        task_of(method),
        method,
        source,
        out,
        config,
        resume=resume,
        log_every=log_every,
        checkpoint_every=checkpoint_every,
        progress=progress,
        device=device,
    )


def load_run(path: str | os.PathLike[str]) -> Run:
    """Return the run in a directory, with its options and figures and the answers of its task.

    Parameters
    ----------
    path : path-like
        A run directory.

    Returns
    -------
    Run
        With ``config``, ``metrics``, ``history``, ``model()``, and by task ``vectors()``, ``neighbors``, ``embed``,
        ``recommend``, ``predict``.

    Raises
    ------
    FileNotFoundError
        There is no run.
    ValueError
        Its ``config.json`` is damaged, of another format, or of a method that this version does not know.
    """
    from graphvid.runs import RunDirectory

    directory = RunDirectory(path)
    method = directory.read_config()["method"]
    if method not in METHODS:
        raise ValueError(f"{directory.path} holds a run of {method!r}, which is none of {sorted(METHODS)}")
    task = task_of(method)
    return (task.methods[method].answers or task.answers)(path, task)
