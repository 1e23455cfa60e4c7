"""The one setting of Numba's ``njit`` in graphvid: compiled on first use, cached on disk, and without the GIL."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numba

CACHE = True

# Any: numba's own hints describe the dispatcher, not the compiled function.
njit: Callable[..., Any] = partial(numba.njit, cache=CACHE, nogil=True)
