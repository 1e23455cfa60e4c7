"""The plots of the next place: a map of areas, attention by hour, recall by history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np

from graphvid.runs.figures import ACCENT, canvas, to_svg


def map_of_areas(areas: Sequence[Mapping[str, float]]) -> str:
    """Draw every area as a circle at its place, with a size by its number of targets and a colour by recall."""
    figure, axes = canvas(6.4, 5.2)
    latitude, longitude, targets, recall = (
        np.array([area[name] for area in areas]) for name in ("latitude", "longitude", "targets", "recall")
    )
    size = 12 + 400 * targets / max(1, targets.max())
    drawn = axes.scatter(
        longitude, latitude, s=size, c=recall, cmap="viridis", vmin=0, vmax=1, alpha=0.85, linewidths=0
    )
    axes.set_aspect(1 / max(0.05, float(np.cos(np.radians(latitude.mean())))))
    axes.set_xlabel("longitude (degrees)")
    axes.set_ylabel("latitude (degrees)")
    figure.colorbar(drawn, ax=axes, label="Recall@10")
    return to_svg(figure)


def attention_bands(hours: Sequence[int], attention: Sequence[Sequence[float]], names: Sequence[str]) -> str:
    """Draw the mean attention over the interests, one stacked bar for each hour."""
    figure, axes = canvas(6.4, 3.2)
    shares, base = np.array(attention), np.zeros(len(hours))
    for column, (name, color) in enumerate(zip(names, mpl.colormaps["viridis"](np.linspace(0.1, 0.9, len(names))))):
        axes.bar(hours, shares[:, column], bottom=base, width=0.9, color=color, label=name)
        base += shares[:, column]
    axes.set_xlabel("local hour")
    axes.set_ylabel("attention")
    axes.set_ylim(0, 1.02)
    axes.legend(fontsize=8, ncol=len(names), loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)
    return to_svg(figure)


def history_curve(bins: Sequence[Mapping[str, float]]) -> str:
    """Draw recall by the number of check-ins before the request."""
    figure, axes = canvas(5.2, 3.0)
    places = np.arange(len(bins))
    axes.bar(places, [one["recall"] for one in bins], color=ACCENT, width=0.7)
    axes.set_xticks(places, [f">= {one['from']:.0f}" for one in bins], fontsize=8)
    axes.set_xlabel("check-ins before")
    axes.set_ylabel("Recall@10")
    return to_svg(figure)
