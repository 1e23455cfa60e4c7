"""Training, validation and test interactions of one data set, with checks against each other."""

from __future__ import annotations

import warnings
from dataclasses import InitVar, dataclass
from itertools import combinations
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from graphvid._checks import check_choice
from graphvid.data.interactions import Interactions

Unseen = Literal["keep", "raise"]
Overlap = Literal["raise", "drop", "keep"]


@dataclass(frozen=True, eq=False)
class InteractionSplits:
    """Splits with the same users and items; by default no pair is in two of them.

    Parameters
    ----------
    name : str
        Name of the data set.
    train, test : Interactions
        Pairs for training and for the test.
    validation : Interactions, optional
        Pairs for the choice of models and settings. Without it, hold some pairs out of ``train`` by `Interactions.hold_out`;
        do not choose on ``test``.
    unseen : {"keep", "raise"}, default "keep"
        Treatment of a pair of another split whose user or item has no pair in ``train``. A kept pair counts in the metrics
        like any other, with the untrained vectors of the model.
    overlap : {"raise", "drop", "keep"}, default "raise"
        Treatment of a pair that is in two splits: raise an error; drop it from the later of train, validation and test, with
        a warning that counts such pairs; or keep it in both.

    Raises
    ------
    ValueError
        Splits of unequal numbers of users or items, a pair that is in two splits (unless ``overlap`` allows it), or, with
        ``unseen="raise"``, a user or item that is not in training; the message names the first such pair.

    Notes
    -----
    O(n log n) time for n pairs.

    Examples
    --------
    >>> train = Interactions.from_pairs([0, 1], [0, 1], num_items=3)
    >>> test = Interactions.from_pairs([0, 1], [2, 0], num_items=3)
    >>> InteractionSplits("toy", train, test).test.num_interactions
    2
    >>> InteractionSplits("toy", train, test, unseen="raise")
    Traceback (most recent call last):
        ...
    ValueError: test must have only items that are in train, got item 2 of user 0 and 0 more such pairs
    """

    name: str
    train: Interactions
    test: Interactions
    validation: Interactions | None = None
    unseen: InitVar[Unseen] = "keep"
    overlap: InitVar[Overlap] = "raise"

    def __post_init__(self, unseen: Unseen, overlap: Overlap) -> None:
        if unseen not in ("keep", "raise"):
            raise ValueError(f"unseen must be 'keep' or 'raise', got {unseen!r}")
        check_choice("overlap", overlap, get_args(Overlap))
        given = {"train": self.train, "validation": self.validation, "test": self.test}
        splits = {name: split for name, split in given.items() if split is not None}
        sizes = {name: (split.num_users, split.num_items) for name, split in splits.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"splits must have equal numbers of users and items, got {sizes}")
        for earlier, later in combinations(splits, 2) if overlap != "keep" else ():
            shared = np.isin(_keys(splits[later]), _keys(splits[earlier]), assume_unique=True)
            if overlap == "raise":
                _refuse(shared, splits[later], f"{earlier} and {later} must have no pair in common")
            elif shared.any():
                splits[later] = _select(splits[later], ~shared)
                object.__setattr__(self, later, splits[later])  # frozen for callers
                warnings.warn(f"{shared.sum()} pairs of {later} are in {earlier} too; dropped there", stacklevel=3)
        if unseen == "raise":
            for name in list(splits)[1:]:
                _refuse_unseen(self.train, splits[name], name)


def _select(split: Interactions, kept: NDArray[np.bool_]) -> Interactions:
    users, items = split.users[kept], split.items[kept]
    return Interactions.from_pairs(users, items, num_users=split.num_users, num_items=split.num_items)


def _keys(split: Interactions) -> NDArray[np.int64]:
    """Return one integer for each pair."""
    return split.users * max(split.num_items, 1) + split.items


def _refuse_unseen(train: Interactions, split: Interactions, name: str) -> None:
    new_item = train.item_counts[split.items] == 0
    _refuse(new_item, split, f"{name} must have only items that are in train")
    new_user = np.diff(train.indptr)[split.users] == 0
    _refuse(new_user, split, f"{name} must have only users that are in train")


def _refuse(bad: NDArray[np.bool_], split: Interactions, rule: str) -> None:
    """Raise with the first bad pair, if there is one."""
    if bad.any():
        at = int(bad.argmax())
        raise ValueError(
            f"{rule}, got item {split.items[at]} of user {split.users[at]} and {bad.sum() - 1} more such pairs"
        )
