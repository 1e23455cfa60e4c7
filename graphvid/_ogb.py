"""Import of ogb without its thread that asks a package index for a newer version; DGL 2 imports ogb as well."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_version_check() -> Iterator[None]:
    """Hide the package ``outdated`` in the block: without it, ogb skips its check for a newer version."""
    outdated, ignore = sys.modules.get("outdated"), os.environ.get("OUTDATED_IGNORE")
    sys.modules["outdated"] = None  # type: ignore[assignment] # Python's way to make an import fail
    try:
        yield
    finally:
        del sys.modules["outdated"]
        if outdated is not None:
            sys.modules["outdated"] = outdated
        os.environ.pop("OUTDATED_IGNORE", None)
        if ignore is not None:
            os.environ["OUTDATED_IGNORE"] = ignore
