"""Numba kernels of max-product messages: grouped maxima over the candidates of a mention, and their gradient.

A document of n mentions with a total of N candidates has n * N entries, entry ``i * N + t`` for source mention i and target
candidate t, and N * N pair scores, ``s * N + t`` for two candidates. Both follow those of the previous documents.
"""

# mypy: allow-untyped-defs, allow-untyped-calls, disable-error-code="unreachable"
from __future__ import annotations

import math

import numpy as np

from graphvid._numba import njit


@njit
def grouped_max(doc_indptr, cand_indptr, entry_start, pair_start, base, pair, out, best):
    """Fill ``out[i, t]`` with the maximum over the candidates s of i of ``pair[s, t] + base[mention of t, s]``.

    ``best`` gets the candidate s within the document that attains it, the first of equal ones; entries of a mention to
    itself, and from mentions without candidates, get 0 and -1.
    """
    for d in range(len(doc_indptr) - 1):
        first, last = doc_indptr[d], doc_indptr[d + 1]
        node0 = cand_indptr[first]
        size = cand_indptr[last] - node0
        entries, pairs = entry_start[d], pair_start[d]
        for i in range(first, last):
            row = entries + (i - first) * size
            s0, s1 = cand_indptr[i] - node0, cand_indptr[i + 1] - node0
            for j in range(first, last):
                t0, t1 = cand_indptr[j] - node0, cand_indptr[j + 1] - node0
                if i == j or s0 == s1:
                    for t in range(t0, t1):
                        out[row + t] = 0
                        best[row + t] = -1
                    continue
                of_j = entries + (j - first) * size
                for t in range(t0, t1):
                    out[row + t] = -np.inf
                for s in range(s0, s1):
                    b = base[of_j + s]
                    line = pairs + s * size
                    for t in range(t0, t1):
                        value = pair[line + t] + b
                        if value > out[row + t]:
                            out[row + t] = value
                            best[row + t] = s


@njit
def max_product(doc_indptr, cand_indptr, pair_start, local, pair, num_rounds, damping, belief):
    """Fill ``belief`` with the scores after all rounds of messages, without the intermediate results for a gradient."""
    for d in range(len(doc_indptr) - 1):
        first, num = doc_indptr[d], doc_indptr[d + 1] - doc_indptr[d]
        node0 = cand_indptr[first]
        starts = cand_indptr[first : first + num + 1] - node0
        size = starts[num]
        told = local[node0 : node0 + size].copy()
        message, fresh = np.zeros((num, size), local.dtype), np.zeros((num, size), local.dtype)
        probability = np.ones((num, size), local.dtype)  # exp(message)
        less = np.empty(size, local.dtype)  # the belief of the source minus the message from the target's mention
        for _ in range(num_rounds):
            for i in range(num):
                s0, s1, to = starts[i], starts[i + 1], fresh[i]
                if s0 == s1:
                    continue
                to[:] = -np.inf
                for s in range(s0, s1):
                    for j in range(num):
                        b = told[s] - message[j, s]
                        for t in range(starts[j], starts[j + 1]):
                            less[t] = b
                    line = pair[pair_start[d] + s * size : pair_start[d] + (s + 1) * size]
                    for t in range(size):  # one long loop over the candidates of all targets compiles to vector code
                        value = line[t] + less[t]
                        to[t] = value if value > to[t] else to[t]
                to[s0:s1] = 0
                for j in range(num):
                    if j != i:
                        _normalize(to, probability[i], starts[j], starts[j + 1], damping)
            message, fresh = fresh, message
            told[:] = local[node0 : node0 + size]
            for i in range(num):
                told += message[i]
        belief[node0 : node0 + size] = told


@njit
def _normalize(to, probability, t0, t1, damping):
    """Turn the maxima ``to[t0:t1]`` into log-probabilities, mixed with the probabilities of the previous round."""
    top, total = -np.inf, 0.0
    for t in range(t0, t1):
        top = max(top, to[t])
    if damping == 1:  # a probability may be too small for its logarithm
        for t in range(t0, t1):
            total += math.exp(to[t] - top)
        for t in range(t0, t1):
            to[t] -= top + math.log(total)
        return
    for t in range(t0, t1):
        to[t] = math.exp(to[t] - top)
        total += to[t]
    for t in range(t0, t1):
        probability[t] += damping * (to[t] / total - probability[t])
        to[t] = math.log(probability[t])


@njit
def grouped_max_backward(doc_indptr, cand_indptr, entry_start, pair_start, best, grad, grad_base, grad_pair):
    """Add each entry's gradient to the base and the pair that attained its maximum."""
    for d in range(len(doc_indptr) - 1):
        first, last = doc_indptr[d], doc_indptr[d + 1]
        node0 = cand_indptr[first]
        size = cand_indptr[last] - node0
        entries, pairs = entry_start[d], pair_start[d]
        for i in range(last - first):
            row = entries + i * size
            for j in range(first, last):
                of_j = entries + (j - first) * size
                for t in range(cand_indptr[j] - node0, cand_indptr[j + 1] - node0):
                    s = best[row + t]
                    if s >= 0:
                        grad_base[of_j + s] += grad[row + t]
                        grad_pair[pairs + s * size + t] += grad[row + t]
