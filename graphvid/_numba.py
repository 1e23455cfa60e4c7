"""The one setting of Numba's ``njit`` in graphvid: compiled on first use, cached on disk, and without the GIL."""

from __future__ import annotations

from functools import partial

import numba

CACHE = True

njit = partial(numba.njit, cache=CACHE, nogil=True)
