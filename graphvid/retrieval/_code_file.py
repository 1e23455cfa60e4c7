"""The file of a `CodeIndex`: safetensors, with the options and a checksum in its header."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from graphvid._files import atomic_path, reading
from graphvid.retrieval._ids import Ids

SUFFIX = ".safetensors"
_FORMAT, _VERSION = "graphvid.CodeIndex", "1"
_OPTIONS = {"query_norm", "assignment", "origin"}
# Text is stored as UTF-8 bytes, because safetensors holds only numbers.
_TEXT, _ENDS = "ids_utf8", "ids_ends"


def write(
    path: str | os.PathLike[str],
    codes: NDArray[Any],
    codebooks: NDArray[np.float32],
    ids: Ids,
    options: Mapping[str, str | None],
) -> None:  # Any: uint8 or uint16
    """Write the file, completely or not at all."""
    target = Path(path)
    if target.suffix != SUFFIX:
        raise ValueError(f"path must end in {SUFFIX}, got {target.name!r}")
    arrays = {"codes": np.ascontiguousarray(codes), "codebooks": codebooks, **_pack(ids)}
    metadata = {
        "format": _FORMAT,
        "version": _VERSION,
        "options": json.dumps(dict(options)),
        "crc32": _checksum(arrays),
    }
    with atomic_path(target) as temporary:
        save_file(arrays, temporary, metadata=metadata)


def read(path: str | os.PathLike[str]) -> tuple[NDArray[Any], NDArray[Any], Ids, dict[str, str | None]]:
    """Return codes, codebooks, ids and options; raise a ValueError for a damaged or another file."""
    file = Path(path)
    with reading(file, "a code index"):
        if not file.is_file():
            raise FileNotFoundError
        with safe_open(file, framework="numpy") as stored:
            metadata = stored.metadata() or {}
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 # not a dict
    if metadata.get("format") != _FORMAT:
        raise ValueError(f"{file} is not a code index: its format is {metadata.get('format')!r}, not {_FORMAT!r}")
    if metadata.get("version") != _VERSION:
        raise ValueError(f"{file} is of version {metadata.get('version')!r} of the code index, expected {_VERSION!r}")
    with reading(file, "a code index"):
        if metadata["crc32"] != _checksum(arrays):
            raise ValueError("its checksum does not fit its content")
        options = json.loads(metadata["options"])
        if not isinstance(options, dict) or set(options) != _OPTIONS:
            raise ValueError(f"its options must be {sorted(_OPTIONS)}, got {options!r}")
        return arrays["codes"], arrays["codebooks"], _unpack(arrays), options


def _pack(ids: Ids) -> dict[str, NDArray[Any]]:  # Any: bytes or int64
    if ids.dtype.kind != "U":
        return {"ids": np.ascontiguousarray(ids)}
    texts = [text.encode() for text in ids.tolist()]
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    return {_TEXT: np.frombuffer(b"".join(texts), np.uint8), _ENDS: ends}


def _unpack(arrays: Mapping[str, NDArray[Any]]) -> Ids:
    if "ids" in arrays:
        return arrays["ids"]
    text, ends = arrays[_TEXT].tobytes(), [0, *arrays[_ENDS].tolist()]
    return np.array([text[start:end].decode() for start, end in pairwise(ends)], dtype=np.str_)


def _checksum(arrays: Mapping[str, NDArray[Any]]) -> str:
    value = 0
    for name in sorted(arrays):
        value = zlib.crc32(np.ascontiguousarray(arrays[name]).data, zlib.crc32(name.encode(), value))
    return str(value)
