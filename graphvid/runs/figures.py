"""The plots of a run's report, as SVG text."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from graphvid.metrics import CalibrationCurve

_INK, ACCENT, _MUTED, _GRID = "#1f2933", "#1f6feb", "#9aa5b1", "#e4e7eb"


def training_curve(
    steps: Sequence[float], values: Sequence[float], *, label: str, chance: float | None = None, unit: str = "step"
) -> str:
    """Draw one statistic against the optimiser steps or epochs, and its value by chance as a dashed line."""
    figure, axes = canvas(5.2, 3.0)
    axes.plot(steps, values, color=ACCENT, linewidth=1.8)
    if chance is not None:
        axes.axhline(chance, color=_MUTED, linestyle="--", linewidth=1.2)
        axes.annotate(
            f"chance {chance:.2g}",
            (0.99, chance),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=8,
            color=_INK,
            bbox={"color": "white", "alpha": 0.8, "pad": 1},
        )
        axes.set_ylim(bottom=0.0)
    axes.set_xlabel(unit)
    axes.set_ylabel(label)
    return to_svg(figure)


def ranking_bars(scores: Mapping[str, float], *, label: str, highlight: str) -> str:
    """Draw one ranking figure of every method as horizontal bars, best on top."""
    names = sorted(scores, key=lambda name: scores[name])
    figure, axes = canvas(6.4, 0.8 + 0.42 * len(names))
    colors = [ACCENT if name == highlight else _MUTED for name in names]
    bars = axes.barh(names, [scores[name] for name in names], color=colors, height=0.66)
    axes.bar_label(bars, fmt="%.3f", padding=4, fontsize=9, color=_INK)
    axes.set_xlim(0, max(1e-9, *scores.values()) * 1.15)
    axes.set_xlabel(label)
    axes.grid(visible=False, axis="y")
    return to_svg(figure)


def cluster_sizes(sizes: Sequence[NDArray[np.integer]]) -> str:
    """Draw, for every level, the share of the videos in clusters of at most a given size."""
    figure, axes = canvas(5.2, 3.0)
    shades = mpl.colormaps["viridis"](np.linspace(0.15, 0.8, max(1, len(sizes))))
    for level, (level_sizes, color) in enumerate(zip(sizes, shades, strict=True), start=1):
        ordered = np.sort(level_sizes)
        axes.step(
            ordered,
            np.cumsum(ordered) / ordered.sum(),
            where="post",
            color=color,
            linewidth=1.8,
            label=f"level {level} ({len(ordered):,} clusters)",
        )
    axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("cluster size (videos)")
    axes.set_ylabel("share of videos")
    axes.legend(frameon=False, fontsize=8)
    return to_svg(figure)


def degree_histogram(degrees: NDArray[np.integer]) -> str:
    """Draw a histogram of the numbers of neighbours of videos, on logarithmic axes; isolated videos are at 0."""
    figure, axes = canvas(5.2, 3.0)
    top = max(1, int(degrees.max(initial=0)))
    edges = np.unique(np.concatenate([[-0.5, 0.5], np.geomspace(1.5, top + 1, 30)]))
    axes.hist(degrees, bins=edges.tolist(), color=ACCENT)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_yscale("log")
    axes.set_xlabel("neighbours in the graph")
    axes.set_ylabel("videos")
    return to_svg(figure)


def drop_off_curves(
    curves: Mapping[str, tuple[NDArray[np.floating], NDArray[np.floating] | None]], *, num_views: Mapping[str, int]
) -> str:
    """Draw the share of viewers at the start of each clip and at the end: observed as points, predicted as lines.

    Parameters
    ----------
    curves : mapping of str to pair of ndarray, each of shape (num_clips + 1,)
        Observed and, if there is one, predicted curve of every group of views.
    num_views : mapping of str to int
        Views of every group; bars are 1.96 standard errors of the observed shares.
    """
    figure, axes = canvas(5.2, 3.4)
    shades = mpl.colormaps["viridis"](np.linspace(0.1, 0.75, len(curves))) if len(curves) > 1 else [ACCENT]
    for (name, (observed, predicted)), color in zip(curves.items(), shades, strict=True):
        clip = np.arange(len(observed))
        error = 1.96 * np.sqrt(observed * (1 - observed) / num_views[name])
        axes.errorbar(clip, observed, yerr=error, fmt="o", color=color, markersize=4, linewidth=1, label=name)
        if predicted is not None:
            axes.plot(clip, predicted, color=color, linewidth=1.8)
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("clips watched to their end")
    axes.set_ylabel("share of views still there")
    axes.legend(frameon=False, fontsize=8)
    return to_svg(figure)


def calibration_plot(curves: Mapping[str, CalibrationCurve], *, highlight: str, event: str) -> str:
    """Draw the share of rows with an event, such as "finished", against its predicted probability, one point for each bin."""
    figure, axes = canvas(4.4, 3.6)
    axes.plot([0, 1], [0, 1], color=_MUTED, linestyle="--", linewidth=1.2)
    for name, curve in curves.items():
        color = ACCENT if name == highlight else _MUTED
        axes.plot(curve.predicted, curve.observed, "o-", color=color, markersize=4, linewidth=1.2, label=name)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("predicted probability")
    axes.set_ylabel(f"share {event}")
    axes.legend(frameon=False, fontsize=8)
    return to_svg(figure)


def score_by_clips(num_clips: Sequence[int], scores: Sequence[float], *, label: str) -> str:
    """Draw a score against the number of clips of a video."""
    figure, axes = canvas(4.4, 3.0)
    places = range(len(num_clips))
    axes.plot(places, scores, "o-", color=ACCENT, linewidth=1.8)
    for place, score in zip(places, scores, strict=True):
        axes.annotate(
            f"{score:.3f}", (place, score), xytext=(-6, 3), textcoords="offset points", ha="right", fontsize=9
        )
    axes.set_xticks(list(places), [str(count) for count in num_clips])
    axes.margins(x=0.3, y=0.2)
    axes.set_xlabel("clips a video")
    axes.set_ylabel(label)
    return to_svg(figure)


def score_scatter(scores: NDArray[np.floating], cosines: NDArray[np.floating]) -> str:
    """Draw the cosine of every pair against its score, with a random shift of the score of up to 0.01 to show levels."""
    figure, axes = canvas(5.2, 3.6)
    moved = scores + np.random.default_rng(0).uniform(-0.01, 0.01, len(scores))
    axes.scatter(moved, cosines, s=4, color=ACCENT, alpha=0.25, linewidths=0, rasterized=True)
    axes.set_xlabel("score that people gave")
    axes.set_ylabel("cosine")
    return to_svg(figure)


def spread_by_level(levels: Sequence[Mapping[str, float]]) -> str:
    """Draw the median cosine at each level of the score, with bars from ``low`` to ``high``."""
    figure, axes = canvas(5.2, 3.4)
    score, low, median, high = (np.array([x[name] for x in levels]) for name in ("score", "low", "median", "high"))
    axes.errorbar(score, median, yerr=np.stack([median - low, high - median]), fmt="o", color=ACCENT, markersize=4)
    axes.set_xlabel("score that people gave")
    axes.set_ylabel("cosine")
    return to_svg(figure)


def vector_map(points: NDArray[np.floating], named: Mapping[str, NDArray[np.floating]]) -> str:
    """Draw points in two dimensions, and some of them in colour with their nearest points.

    Parameters
    ----------
    points : ndarray, shape (num_points, 2)
    named : mapping of str to ndarray of shape (1 + num_near, 2)
        By name, a point and its nearest points.
    """
    figure, axes = canvas(5.2, 4.2)
    axes.plot(points[:, 0], points[:, 1], "o", markersize=2, color=_MUTED, alpha=0.5, markeredgewidth=0)
    for (name, group), color in zip(named.items(), mpl.colormaps["tab10"](np.linspace(0, 1, 10)), strict=False):
        axes.scatter(group[1:, 0], group[1:, 1], s=16, color=color, linewidths=0)
        axes.scatter(group[:1, 0], group[:1, 1], s=60, color=color, marker="*", label=_short(name))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return to_svg(figure)


def _short(name: str) -> str:
    shown = name if len(name) <= 16 else f"{name[:15]}…"
    return shown.replace("$", "\\$")  # an unescaped $ would start a formula


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return an empty drawing of the given size in inches, in the style of the reports."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_MUTED)
    axes.tick_params(colors=_INK, labelsize=9)
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def to_svg(figure: Figure) -> str:
    """Return a drawing as SVG text; equal drawings give equal text."""
    buffer = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "graphvid"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
