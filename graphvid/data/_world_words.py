"""Words of the generated world of mentions: its vocabulary, random contexts, and vectors of words and contexts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

TYPES, TOPICS = 8, 20
TOPIC_WORDS, _COMMON, _CUES, _FUNCTION = 40, 200, 10, 30
_WIDE, NEAR = 20, 3
FIRST_COMMON = TOPICS * TOPIC_WORDS
_FIRST_CUE = FIRST_COMMON + _COMMON
FIRST_FUNCTION = _FIRST_CUE + TYPES * _CUES
NUM_WORDS = FIRST_FUNCTION + _FUNCTION


def draw_contexts(
    kind: NDArray[np.int64], topic: NDArray[np.int64], cue_noise: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the three words on each side, (num, 6), and the wider context, (num, 20), for golds of given type and topic."""
    num = len(kind)
    of_topic = topic[:, None] * TOPIC_WORDS + rng.integers(TOPIC_WORDS, size=(num, _WIDE))
    common = FIRST_COMMON + rng.integers(_COMMON, size=(num, _WIDE))
    wide = np.where(rng.random((num, _WIDE)) < 0.6, of_topic, common)
    cued = np.where(rng.random(num) < cue_noise, rng.integers(TYPES, size=num), kind)
    # Types 2k and 2k + 1 share two lists of ten cues: the left cues of one type are the right cues of the other.
    first, second = cued, cued ^ 1
    near = FIRST_FUNCTION + rng.integers(_FUNCTION, size=(num, 2 * NEAR))
    rows = np.arange(num)
    near[rows, rng.integers(NEAR, size=num)] = _FIRST_CUE + first * _CUES + rng.integers(_CUES, size=num)
    near[rows, NEAR + rng.integers(NEAR, size=num)] = _FIRST_CUE + second * _CUES + rng.integers(_CUES, size=num)
    return near, wide


def word_codes(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a vector for every word, like an encoder's: similar for cues with similar use, short for function words."""
    code = rng.normal(size=(NUM_WORDS, 128))
    of_list = rng.normal(size=(TYPES, 1, 128))
    cues = code[_FIRST_CUE:FIRST_FUNCTION].reshape(TYPES, _CUES, 128)
    code[_FIRST_CUE:FIRST_FUNCTION] = (0.6 * cues + 0.8 * of_list).reshape(-1, 128)
    code[FIRST_FUNCTION:] *= 0.3
    return code


def encode_contexts(
    near: NDArray[np.int64], wide: NDArray[np.int64], code: NDArray[np.float64], sign: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return states at the mention: codes of the near words rotated by side and place, and a small part of the others."""
    half = np.repeat(
        sign[[0, NEAR]], NEAR, axis=0
    )  # the side rotates a code, the place on the side rotates it a little
    turn = half + 0.3 * sign
    state = np.zeros((len(near), code.shape[1]))
    for place in range(2 * NEAR):
        state += code[near[:, place]] * turn[place]
    for column in wide.T:
        state = state + 0.1 * code[column]
    return np.asarray(state / np.maximum(np.linalg.norm(state, axis=1, keepdims=True), 1e-12), dtype=np.float32)


def topic_vectors(
    topic: NDArray[np.int64], directions: NDArray[np.float64], noise: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return unit vectors, (num, dim): the directions of topics plus noise; only noise for topic -1."""
    dim = directions.shape[1]
    exact = np.where(topic[:, None] >= 0, directions[topic], 0.0)
    # A word without a topic has only noise, also if the other words get none.
    scale = np.where(topic[:, None] >= 0, noise, max(noise, 1.0)) / np.sqrt(dim)
    drawn = exact + scale * rng.normal(size=(len(topic), dim))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


def vocabulary() -> list[str]:
    """Return the words in the order of their numbers: words of topics, common words, cues, function words."""
    topics = [f"topic{t}word{i}" for t in range(TOPICS) for i in range(TOPIC_WORDS)]
    cues = [f"cue{y}word{i}" for y in range(TYPES) for i in range(_CUES)]
    return [*topics, *(f"common{i}" for i in range(_COMMON)), *cues, *(f"function{i}" for i in range(_FUNCTION))]
