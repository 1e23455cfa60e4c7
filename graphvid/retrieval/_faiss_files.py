"""The three files of a FAISS index: the index, its ids, and a side-car with a description and checksums of both."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

from graphvid._files import atomic_path, reading
from graphvid.retrieval._id_files import read_ids, write_ids
from graphvid.retrieval._ids import Ids

SUFFIX, IDS_SUFFIX, ABOUT_SUFFIX = ".faiss", ".ids.parquet", ".json"
_FORMAT, _VERSION = "graphvid.FaissIndex", 1
_FIELDS = {"kind": str, "metric": str, "query_norm": str, "dim": int, "num_items": int, "options": dict}
_CHUNK = 1 << 22


def paths(path: str | os.PathLike[str]) -> tuple[Path, Path, Path]:
    """Return the paths of index, ids and side-car; raise for another suffix."""
    index = Path(path)
    if index.suffix != SUFFIX:
        raise ValueError(f"path must end in {SUFFIX}, got {index.name!r}")
    return index, index.with_name(index.name + IDS_SUFFIX), index.with_name(index.name + ABOUT_SUFFIX)


def write(path: str | os.PathLike[str], faiss: ModuleType, index: Any, ids: Ids, about: Mapping[str, Any]) -> None:
    """Write all three beside their final names, then rename them, the side-car last."""
    # Any: faiss.Index, JSON values
    index_path, ids_path, about_path = paths(path)
    with ExitStack() as stack:
        last, second, first = (stack.enter_context(atomic_path(file)) for file in (about_path, ids_path, index_path))
        faiss.write_index(index, str(first))
        write_ids(second, ids)
        files = {"index": _describe(first), "ids": _describe(second)}
        record = {"format": _FORMAT, "version": _VERSION, **about, "files": files, "faiss": faiss.__version__}
        last.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def read(path: str | os.PathLike[str], faiss: ModuleType) -> tuple[Any, Ids, dict[str, Any]]:
    """Return index, ids and the content of the side-car; raise a ValueError for damaged files or files of different indices."""
    # Any: faiss.Index, JSON values
    files = index_path, ids_path, about_path = paths(path)
    absent = [str(file) for file in files if not file.is_file()]
    if absent:
        raise FileNotFoundError(
            f"{' and '.join(absent)} not found: an index that graphvid writes has a side-car and ids beside it; wrap one "
            "that something else made as FaissIndex(faiss.read_index(path), ids, kind)"
        )
    about = _read_about(about_path)
    for name, file in (("index", index_path), ("ids", ids_path)):
        if about["files"].get(name) != (found := _describe(file)):
            raise ValueError(
                f"{file} is not the file that {about_path.name} describes, or it is truncated or corrupt: expected "
                f"{about['files'].get(name)}, got {found}"
            )
    with reading(index_path, "an index that this FAISS reads"):
        index = faiss.read_index(str(index_path))
    ids = read_ids(ids_path)
    if (index.d, index.ntotal) != (about["dim"], about["num_items"]):
        raise ValueError(
            f"{index_path} must have {about['num_items']} vectors of {about['dim']} dimensions, got {index.ntotal} of {index.d}"
        )
    return index, ids, about


def _read_about(path: Path) -> dict[str, Any]:
    with reading(path, "the side-car of an index"):
        about = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise ValueError(f"{path} is not the side-car of an index: its format must be {_FORMAT!r}")
    if about.get("version") != _VERSION:
        raise ValueError(f"{path} is of version {about.get('version')!r} of the side-car, expected {_VERSION}")
    wrong = [name for name, kind in _FIELDS.items() if not isinstance(about.get(name), kind)]
    if wrong or not isinstance(about.get("files"), dict) or not isinstance(about.get("origin"), (str, type(None))):
        raise ValueError(f"{path} is corrupt: {[*wrong, 'files', 'origin'][0]!r} is absent or of another type")
    return about


def _describe(path: Path) -> dict[str, str | int]:
    """Return size and checksum of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return {"bytes": path.stat().st_size, "sha256": digest.hexdigest()}
