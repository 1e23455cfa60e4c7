"""Kernels that turn the parents of clusters into their sizes and the tree order."""

# mypy: allow-untyped-defs, allow-untyped-calls
from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit
def numbered_by_first(parent):
    """Return whether the values are 0, 1, ... in the order of their first occurrence."""
    seen = 0
    for x in parent:
        if x < 0 or x > seen:
            return False
        if x == seen:
            seen += 1
    return True


@njit
def parents_of(parent, labels):
    """Return the parent of each label."""
    found = np.empty_like(labels)
    for i in range(len(labels)):
        found[i] = parent[np.uintp(labels[i])]
    return found


@njit
def sum_by_parent(parent, sizes):
    """Return the sum of the children's sizes of each parent."""
    total = np.zeros(parent.max() + 1 if len(parent) else 0, sizes.dtype)
    for c in range(len(parent)):
        total[parent[c]] += sizes[c]
    return total


@njit
def place_children(parent, sizes, cursor):
    """Return each child's first place; the children of a parent follow each other by ascending number."""
    starts = np.empty_like(sizes)
    for c in range(len(parent)):
        starts[c] = cursor[parent[c]]
        cursor[parent[c]] += sizes[c]
    return starts
