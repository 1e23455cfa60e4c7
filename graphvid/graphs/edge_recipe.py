"""Recipes of edges between views of clips: they define the pairs that a method pulls together and pushes apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from graphvid._checks import check_choice, check_count, check_number, shown

PULL = ("same_clip", "static_mixed", "scene_broken")
PUSH = ("motion_broken", "other_segment", "other_video")
MAPS = ("transform",)
EDGE_TYPES = PULL + PUSH + MAPS
Among = Literal["own", "batch", "reversed", "queue"]


@dataclass(frozen=True)
class EdgeRule:
    """Edges of one type that a recipe makes.

    Parameters
    ----------
    type : str
        ``same_clip``, ``static_mixed``, ``scene_broken`` pull; ``motion_broken``, ``other_segment``, ``other_video`` push;
        ``transform`` makes maps agree.
    views : pair of int, optional
        Views at the ends, the anchor first. None for ``among`` ``"batch"`` and ``"queue"``: from every anchor.
    weight : float
        Weight of each edge, >= 0.
    among : {"own", "batch", "reversed", "queue"}
        Videos of the other ends: the anchor's own; all others of the batch, in all their views; the one at the anchor's
        place counted from the end of the batch (its own in the middle of an odd batch); the entries of a memory.
    """

    type: str
    views: tuple[int, int] | None = None
    weight: float = 1.0
    among: Among = "own"

    def __post_init__(self) -> None:
        check_choice("type", self.type, EDGE_TYPES)
        check_choice("among", self.among, get_args(Among))
        check_number("weight", self.weight, "a finite float >= 0", least=0)
        if (self.type == "other_video") == (self.among == "own"):
            raise ValueError(f"among must be 'own' unless type is 'other_video', got {self.among!r} with {self.type!r}")
        if (self.views is None) != (self.among in ("batch", "queue")):
            raise ValueError(
                f"views must be given unless among is 'batch' or 'queue', got {self.views} with {self.among!r}"
            )
        if self.views is not None:
            if not isinstance(self.views, tuple) or len(self.views) != 2:
                raise ValueError(f"views must be a pair of views, got {shown(self.views)}")
            for view in self.views:
                check_count("views", view, 0, 1000)
            if self.views[0] == self.views[1]:
                raise ValueError(f"views must be two views, got {self.views}")


@dataclass(frozen=True)
class EdgeRecipe:
    """Rules of a method: the pairs it pulls and pushes among the views of a batch of videos.

    Parameters
    ----------
    rules : sequence of EdgeRule
        Pairs are unordered; a type may have each pair once.
    both_ways : bool
        Take both ends of pulled pairs as anchors, as SimCLR does.

    Raises
    ------
    ValueError
        An anchor has no pulled pair, a pair is both pulled and pushed, or a pair comes twice.

    Examples
    --------
    >>> moco = EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("other_video", among="queue")])
    >>> moco.anchors, moco.num_views, moco.uses_queue
    ((0,), 2, True)
    >>> EdgeRecipe([EdgeRule("same_clip", (0, 1)), EdgeRule("motion_broken", (1, 0))])
    Traceback (most recent call last):
    ValueError: rules must not pull and push one pair, got (0, 1) in 'same_clip' and 'motion_broken'
    """

    rules: Sequence[EdgeRule]
    both_ways: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", tuple(self.rules))
        seen: dict[tuple[str, str, tuple[int, ...] | None], str] = {}
        for rule in self.rules:
            if not isinstance(rule, EdgeRule):
                raise TypeError(f"rules must be EdgeRules, got {type(rule).__name__}")
            pair = None if rule.views is None else tuple(sorted(rule.views))
            if (rule.type, rule.among, pair) in seen:
                raise ValueError(f"rules must not repeat a pair of one type, got {pair} twice in {rule.type!r}")
            seen[rule.type, rule.among, pair] = rule.type
        own = [(tuple(sorted(rule.views)), rule.type) for rule in self.rules if rule.views and rule.among == "own"]
        for pair, kind in own:
            for other, against in own:
                if pair == other and kind in PULL and against in PUSH:
                    raise ValueError(f"rules must not pull and push one pair, got {pair} in {kind!r} and {against!r}")
        if not self.anchors:
            raise ValueError(
                "rules must have a pull edge, such as same_clip, got none: what agrees only in maps collapses"
            )
        for rule in self.rules:
            if rule.type in PUSH and rule.views is not None and rule.views[0] not in self.anchors:
                raise ValueError(
                    f"rules must pull every anchor, got none that pulls view {rule.views[0]} of {rule.type!r}"
                )

    @property
    def anchors(self) -> tuple[int, ...]:
        """The views that are anchors of the losses."""
        pulled = [rule.views for rule in self.rules if rule.type in PULL and rule.views is not None]
        views = [view for pair in pulled for view in (pair if self.both_ways else pair[:1])]
        return tuple(dict.fromkeys(views))

    @property
    def num_views(self) -> int:
        """Number of views of each video."""
        return 1 + max(view for rule in self.rules if rule.views is not None for view in rule.views)

    @property
    def uses_queue(self) -> bool:
        """Whether a rule pushes from the entries of a memory."""
        return any(rule.among == "queue" for rule in self.rules)
