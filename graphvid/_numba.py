"""Numba's ``njit`` with the settings of graphvid: compile on first use, cache on disk, release the GIL."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba

CACHE = True

# Any: numba's own hints describe the dispatcher, not the compiled function.
njit: Callable[..., Any] = partial(numba.njit, cache=CACHE, nogil=True)
