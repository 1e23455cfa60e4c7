"""Numba kernels that order pairs in patches with shared ends; they take arrays and scalars."""

from __future__ import annotations

import numpy as np

from graphvid._numba import njit


@njit
def _local_order(indptr, neighbor, edge, start_order, order, patch_size):  # type: ignore[no-untyped-def]
    """Fill ``order`` with all edges so that each slice of ``patch_size`` has few distinct ends.

    ``indptr, neighbor, edge`` hold each edge at both ends, a loop twice at its node. A patch starts at the first node of
    ``start_order`` with edges left. It grows at the border node with the fewest neighbours outside: these neighbours join
    the patch, and each adds all its edges into the patch.
    """
    num_nodes, num_edges = len(indptr) - 1, len(order)
    alive = np.ones(num_edges, np.bool_)
    left = indptr[1:] - indptr[:-1]  # live slots of each node
    inside = np.full(num_nodes, -1)  # number of the last patch that the node is in
    border = np.empty(num_nodes, np.int64)
    filled, first, patch = 0, 0, 0
    while filled < num_edges:
        end = min(filled + patch_size, num_edges)
        num_border = 0
        while filled < end:
            best, fewest = -1, num_edges + 1
            for i in range(num_border):
                node, outside = border[i], 0
                if left[node] == 0:
                    continue
                for slot in range(indptr[node], indptr[node + 1]):
                    if alive[edge[slot]] and inside[neighbor[slot]] != patch:
                        outside += 1
                if 0 < outside < fewest:
                    best, fewest = node, outside
            if best < 0:  # the first node, or the next one if the border is empty
                while left[start_order[first]] == 0:
                    first += 1
                at = first
                while left[start_order[at]] == 0 or inside[start_order[at]] == patch:
                    at += 1
                node = start_order[at]
                border[num_border] = node
                num_border += 1
                filled = _enter(node, patch, end, indptr, neighbor, edge, alive, left, inside, order, filled)
                continue
            for slot in range(indptr[best], indptr[best + 1]):
                node = neighbor[slot]
                if filled < end and alive[edge[slot]] and inside[node] != patch:
                    border[num_border] = node
                    num_border += 1
                    filled = _enter(node, patch, end, indptr, neighbor, edge, alive, left, inside, order, filled)
        patch += 1


@njit
def _enter(node, patch, end, indptr, neighbor, edge, alive, left, inside, order, filled):  # type: ignore[no-untyped-def]
    """Add ``node`` to the patch and write its edges into the patch while there is room; return the number written."""
    inside[node] = patch
    for slot in range(indptr[node], indptr[node + 1]):
        other = neighbor[slot]
        if filled < end and alive[edge[slot]] and inside[other] == patch:
            alive[edge[slot]] = False
            left[node] -= 1
            left[other] -= 1
            order[filled] = edge[slot]
            filled += 1
    return filled
