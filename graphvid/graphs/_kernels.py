"""Kernels of the co-watch graph: they choose the videos of a user that count, and the strongest partners of each video.

Hashes are SplitMix64's finaliser (Steele, Lea and Flood, OOPSLA 2014) of 64-bit keys of the videos. The keys come from
the videos' original ids, so nothing here depends on how users or videos are numbered or on the order of rows.
"""

from __future__ import annotations

import math

import numpy as np

from graphvid._numba import njit
from graphvid._splitmix import GOLDEN, mix

COUNT, BINARY, COSINE, NPMI = range(4)


@njit
def seeded_keys(ids_hash, seed):  # type: ignore[no-untyped-def]
    """Return a (num_videos,) uint64 key for each video from the hash of its id and the seed."""
    keys = np.empty_like(ids_hash)
    salt = mix(np.uint64(seed) + GOLDEN)
    for v in range(len(ids_hash)):
        keys[v] = mix(ids_hash[v] ^ salt)
    return keys


@njit
def kept_of_users(indptr, videos, keys, limit):  # type: ignore[no-untyped-def]
    """Return a mask of ``videos`` (CSR by user, ascending rows) with at most ``limit`` per user.

    The user's key is the wrapped sum of the keys of the user's videos. The videos with the smallest hash of (user key,
    video key) stay, equal ones by id.
    """
    keep = np.ones(len(videos), np.bool_)
    for user in range(len(indptr) - 1):
        start, stop = indptr[user], indptr[user + 1]
        if stop - start <= limit:
            continue
        user_key = np.uint64(0)
        for i in range(start, stop):
            user_key += mix(keys[videos[i]])
        hashes = np.empty(stop - start, np.uint64)
        for i in range(start, stop):
            hashes[i - start] = mix(user_key ^ keys[videos[i]])
        for i in np.argsort(hashes, kind="mergesort")[limit:]:
            keep[start + i] = False
    return keep


@njit
def _score(kind, together, first, second, num_users):  # type: ignore[no-untyped-def]
    """Return the strength of a pair from its count and the counts of its ends; below zero if it is no edge."""
    if kind == COSINE:
        return np.float64(np.float32(together / math.sqrt(float(first * second))))
    if kind == NPMI:
        if together * num_users <= first * second:
            return -1.0
        information = math.log(float(together * num_users) / float(first * second))
        return np.float64(np.float32(information / -math.log(together / num_users)))
    return np.float64(together)


@njit
def _strongest(partners, scores, key, keys, chosen, tied, hashes):  # type: ignore[no-untyped-def]
    """Write the positions of the highest ``len(chosen)`` scores, equal scores by hash of the edge, then by id.

    The kernel selects and does not sort: with small counts nearly all scores are equal, and it reads the hash of each tie
    once. (A bounded heap took seven times as long on such rows.) ``tied`` and ``hashes`` are scratch arrays.
    """
    top_k = len(chosen)
    least = np.partition(scores, len(scores) - top_k)[len(scores) - top_k]
    size, num_tied = 0, 0
    for i in range(len(scores)):
        if scores[i] > least:
            chosen[size] = i
            size += 1
        elif scores[i] == least:
            other = keys[partners[i]]
            hashes[num_tied] = mix(min(key, other) + mix(max(key, other)))
            tied[num_tied] = i
            num_tied += 1
    last = np.partition(hashes[:num_tied], top_k - size - 1)[top_k - size - 1]
    num_equal = 0
    for j in range(num_tied):
        if hashes[j] < last:
            chosen[size] = tied[j]
            size += 1
        elif hashes[j] == last:
            tied[num_equal] = tied[j]
            num_equal += 1
    if num_equal > top_k - size:
        tied[:num_equal] = tied[:num_equal][np.argsort(partners[tied[:num_equal]])]
    chosen[size:] = tied[: top_k - size]


@njit
def partners_of_rows(rows, by_video, by_user, popularity, num_users, kind, min_count, top_k, keys, counts, out):  # type: ignore[no-untyped-def]
    """Write the partners of the videos ``rows[0] <= v < rows[1]``, row after row, and return how many were written.

    ``by_video`` = (indptr, users) and ``by_user`` = (indptr, videos) are the same distinct pairs, rows ascending.
    ``counts`` (num_videos,) int32 is zero before and after. ``out`` = (lengths, partners, scores). With ``top_k`` 0 all
    partners w > v are written, in any order, otherwise the ``top_k`` strongest of all, ascending by id.
    """
    video_ptr, users = by_video
    user_ptr, videos = by_user
    lengths, out_partners, out_scores = out
    touched = np.empty(len(counts), np.int64)
    scores = np.empty(len(counts), np.float64)
    chosen, tied, hashes = np.empty(top_k, np.int64), np.empty(len(counts), np.int64), np.empty(len(counts), np.uint64)
    written = 0
    for v in range(rows[0], rows[1]):
        num_touched = 0
        for a in range(video_ptr[v], video_ptr[v + 1]):
            for b in range(user_ptr[users[a]], user_ptr[users[a] + 1]):
                w = videos[b]
                if w == v or (w < v and top_k == 0):
                    continue
                if counts[w] == 0:
                    touched[num_touched] = w
                    num_touched += 1
                counts[w] += 1
        size = 0
        for i in range(num_touched):
            w = touched[i]
            together = np.int64(counts[w])
            counts[w] = 0
            score = _score(kind, together, popularity[v], popularity[w], num_users)
            if together >= min_count and score >= 0.0:
                touched[size] = w
                scores[size] = score
                size += 1
        start = written
        if 0 < top_k < size:
            _strongest(touched[:size], scores[:size], keys[v], keys, chosen, tied, hashes)
            for i in chosen:
                out_partners[written] = touched[i]
                out_scores[written] = scores[i]
                written += 1
        else:
            out_partners[start : start + size] = touched[:size]
            out_scores[start : start + size] = scores[:size]
            written += size
        if top_k > 0:
            order = np.argsort(out_partners[start:written])
            out_partners[start:written] = out_partners[start:written][order]
            out_scores[start:written] = out_scores[start:written][order]
        lengths[v - rows[0]] = written - start
    return written


@njit
def is_first_mention(indptr, partners):  # type: ignore[no-untyped-def]
    """Return a mask of the half edges (v, w) that represent their edge: v < w, or the row of w does not hold v."""
    mask = np.empty(len(partners), np.bool_)
    for v in range(len(indptr) - 1):
        for i in range(indptr[v], indptr[v + 1]):
            w = partners[i]
            mask[i] = True
            if w < v:
                start, stop = indptr[w], indptr[w + 1]
                place = start + np.searchsorted(partners[start:stop], v)
                mask[i] = place == stop or partners[place] != v
    return mask
