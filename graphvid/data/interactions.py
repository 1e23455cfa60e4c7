"""Pairs of users and items without further columns: the positives of recommenders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from graphvid._checks import check_integer, check_seed, node_ids

Duplicates = Literal["raise", "drop"]
_MOST_IDS = 2**31  # so that a pair fits into one int64, and one wrong large id cannot cause a huge array


@dataclass(frozen=True, eq=False)
class Interactions:
    """Distinct pairs of users and items as sorted lists: user ``u`` has ``items[indptr[u] : indptr[u + 1]]``.

    `from_pairs` and `read_interactions` make it; the constructor takes sorted lists. Users and items are numbered from 0. A
    user without items and an item without users are allowed, so ids with gaps stay unchanged; `WatchLog` numbers ids of any
    kind without gaps.

    Parameters
    ----------
    indptr : ndarray of int64, shape (num_users + 1,)
        Start of the items of every user.
    items : ndarray of int64, shape (num_interactions,)
        Items of every user in ``[0, num_items)``, ascending and distinct for each user.
    num_items : int
        Number of items, those without a user included, >= 0 and at most 2**31.

    Raises
    ------
    TypeError
        Arrays of another type than int64.
    ValueError
        Arrays of another shape, an ``indptr`` that does not rise from 0 to the number of interactions, items out of
        range or not in ascending order.

    Examples
    --------
    >>> pairs = Interactions.from_pairs(users=[2, 0, 2], items=[4, 1, 0])
    >>> pairs.indptr, pairs.items, pairs.num_items
    (array([0, 1, 1, 3]), array([1, 0, 4]), 5)
    >>> pairs.users, pairs.item_counts
    (array([0, 2, 2]), array([1, 1, 0, 0, 1]))
    """

    indptr: NDArray[np.int64]
    items: NDArray[np.int64]
    num_items: int

    def __post_init__(self) -> None:
        for name, array in (("indptr", self.indptr), ("items", self.items)):
            if not isinstance(array, np.ndarray) or array.dtype != np.int64:
                kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
                raise TypeError(f"{name} must be an array of int64, got {kind}")
        _check_size("num_items", self.num_items)
        indptr = self.indptr
        if indptr.ndim != 1 or not indptr.size or indptr[0] != 0 or (np.diff(indptr) < 0).any():
            raise ValueError(f"indptr must have shape (num_users + 1,) and rise from 0, got {indptr!r}")
        if indptr[-1] != self.items.size:
            raise ValueError(f"indptr must end at the number of interactions, {self.items.size}, got {indptr[-1]}")
        node_ids("items", self.items, self.num_items, "(num_interactions,)")
        users = self.users
        falling = np.flatnonzero((users[1:] == users[:-1]) & (self.items[1:] <= self.items[:-1]))
        if falling.size:
            at = falling[0]
            raise ValueError(
                f"items must be ascending and distinct for each user, got {self.items[at]} before {self.items[at + 1]} "
                f"for user {users[at]}"
            )

    @property
    def num_users(self) -> int:
        """Number of users, those without an item included."""
        return len(self.indptr) - 1

    @property
    def num_interactions(self) -> int:
        """Number of pairs."""
        return len(self.items)

    @property
    def users(self) -> NDArray[np.int64]:
        """User of every pair, shape (num_interactions,), computed on every call."""
        return np.repeat(np.arange(self.num_users), np.diff(self.indptr))

    @property
    def item_counts(self) -> NDArray[np.int64]:
        """Number of users of every item, shape (num_items,), computed on every call."""
        return np.bincount(self.items, minlength=self.num_items)

    @classmethod
    def from_pairs(
        cls,
        users: ArrayLike,
        items: ArrayLike,
        *,
        num_users: int | None = None,
        num_items: int | None = None,
        duplicates: Duplicates = "raise",
    ) -> Interactions:
        """Return the interactions of pairs in any order.

        Parameters
        ----------
        users, items : array_like of integers, shape (num_pairs,)
            Ends of every pair, in ``[0, num_users)`` and ``[0, num_items)``.
        num_users, num_items : int, optional
            Sizes, >= 0 and at most 2**31. Default: one more than the largest id, which must then be below 2**20 or 16 times
            the number of pairs, because one wrong large id would cause a huge array. Pass the sizes if ids have wider gaps,
            or if another split may have larger ids.
        duplicates : {"raise", "drop"}, default "raise"
            Treatment of a pair that is given more than once: raise an error, because a repeated pair is usually an error in
            the file; or count it once.

        Raises
        ------
        TypeError
            Ids that are not integers.
        ValueError
            Arrays of other shapes or unequal length, an id out of range or with very wide gaps below it, a repeated pair
            with ``duplicates="raise"``; the message names the first by its row.

        Notes
        -----
        O(n log n) time and about 40 bytes a pair.
        """
        if duplicates not in ("raise", "drop"):
            raise ValueError(f"duplicates must be 'raise' or 'drop', got {duplicates!r}")
        user, most_users = _codes("users", users, "num_users", num_users)
        item, most_items = _codes("items", items, "num_items", num_items)
        if user.size != item.size:
            raise ValueError(f"users and items must have equal lengths, got {user.size} and {item.size}")
        key = user * max(most_items, 1) + item
        order = np.argsort(key, kind="stable")
        key = key[order]
        repeated = np.zeros(key.size, dtype=bool)
        repeated[1:] = key[1:] == key[:-1]
        if repeated.any() and duplicates == "raise":
            row = order[repeated].min()
            raise ValueError(
                f"pairs must be distinct unless duplicates='drop', got user {user[row]} with item {item[row]} again in "
                f"row {row} and {repeated.sum() - 1} more repeated rows"
            )
        user, item = np.divmod(key[~repeated], max(most_items, 1))
        return cls(_starts(np.bincount(user, minlength=most_users)), item, most_items)

    def hold_out(self, fraction: float, seed: int) -> tuple[Interactions, Interactions]:
        """Split the pairs at random, user by user, into kept and held-out pairs.

        Of a user's n pairs, ``floor(fraction * n + x)`` are held out, with x uniform in [0, 1), but at most n - 1. Apart from
        this limit every pair has the probability ``fraction``. An item may lose all its users.

        Parameters
        ----------
        fraction : float
            Share to hold out, in (0, 1).
        seed : int
            Seed of the split, >= 0.

        Returns
        -------
        kept, held : Interactions
            Every pair is in one of them; both have the users and items of this object.

        Raises
        ------
        ValueError
            An argument outside its range.

        Notes
        -----
        O(n log n) time.

        Examples
        --------
        >>> pairs = Interactions.from_pairs([0, 0, 0, 0, 1], [0, 1, 2, 3, 3])
        >>> kept, held = pairs.hold_out(0.5, seed=0)
        >>> np.diff(kept.indptr), np.diff(held.indptr)
        (array([2, 1]), array([2, 0]))
        """
        if not 0.0 < fraction < 1.0:
            raise ValueError(f"fraction must be a number in (0, 1), got {fraction!r}")
        check_seed(seed)
        rng = np.random.default_rng(seed)
        size, users = np.diff(self.indptr), self.users
        count = np.minimum(np.floor(fraction * size + rng.random(size.size)).astype(np.int64), np.maximum(size - 1, 0))
        order = np.lexsort((rng.random(users.size), users))
        is_held = np.empty(users.size, dtype=bool)
        is_held[order] = np.arange(users.size) - self.indptr[users] < count[users]
        return self._select(~is_held), self._select(is_held)

    def to_sparse(self) -> sparse.csr_matrix:
        """Return the matrix of users and items with float32 ones, shape (num_users, num_items), sharing ``items``."""
        ones = np.ones(self.num_interactions, dtype=np.float32)
        return sparse.csr_matrix((ones, self.items, self.indptr), shape=(self.num_users, self.num_items))

    def _select(self, mask: NDArray[np.bool_]) -> Interactions:
        """Return the pairs where ``mask`` is True."""
        counts = np.bincount(self.users[mask], minlength=self.num_users)
        return Interactions(_starts(counts), self.items[mask], self.num_items)


def _codes(name: str, values: ArrayLike, size_name: str, size: int | None) -> tuple[NDArray[np.int64], int]:
    """Return the checked ids and their number."""
    if size is not None:
        _check_size(size_name, size)
        return node_ids(name, values, int(size), "(num_pairs,)"), int(size)
    ids = node_ids(name, values, _MOST_IDS, "(num_pairs,)")
    return ids, size_of(name, ids, ids.size, size_name)


def size_of(name: str, ids: NDArray[np.int64], num_values: int, size_name: str) -> int:
    """Return one more than the largest id; raise if it is far larger than the number of values."""
    size = int(ids.max()) + 1 if ids.size else 0
    if size > most_ids(num_values):
        raise ValueError(
            f"{name} must be numbered without wide gaps (below {most_ids(num_values)} for {num_values} values) unless "
            f"{size_name} is given, got {size - 1}; WatchLog numbers ids of any kind"
        )
    return size


def most_ids(num_values: int) -> int:
    """Return the largest plausible number of ids for this number of values: 2**20, or 16 times the number."""
    return max(2**20, 16 * num_values)  # arrays of 8 MB, or 128 bytes a value


def _check_size(name: str, size: int) -> None:
    check_integer(name, size, 0)
    if size > _MOST_IDS:
        raise ValueError(f"{name} must be at most 2**31, got {size}")


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
