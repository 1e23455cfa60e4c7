"""Random streams that depend only on their key: no global seed, and a resumed run draws the same numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded(*key: int) -> Iterator[None]:
    """Run the block with PyTorch's generators seeded by ``key`` and give the caller's generators back afterwards.

    Dropout in step ``t`` of a run with seed ``s`` under ``seeded(s, t)`` does not depend on what ran before, so a resumed
    run equals an uninterrupted one.

    Parameters
    ----------
    *key : int
        Non-negative integers; different keys give independent streams (`numpy.random.SeedSequence`).

    Examples
    --------
    >>> with seeded(0, 7):
    ...     first = torch.rand(3)
    >>> with seeded(0, 7):
    ...     print(torch.equal(first, torch.rand(3)))
    True
    """
    seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed looks for every kind of device, a millisecond
        if devices:
            torch.cuda.manual_seed_all(seed)
        yield
