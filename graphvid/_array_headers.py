"""Checks of the headers of NumPy's files: a header may not claim more than its file holds."""

from __future__ import annotations

import math
import zipfile
from typing import IO

import numpy as np

_MOST_ROWS = 2**31  # of an array without elements, whose length nothing in the file vouches for
_DEFLATE_RATIO = 1032  # deflate never makes its input smaller than this


def archive_parts(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the parts of an archive by the names of their arrays; raise where one cannot be what NumPy writes."""
    parts: dict[str, zipfile.ZipInfo] = {}
    for part in archive.infolist():
        name = part.filename.removesuffix(".npy")
        if name == part.filename:
            raise ValueError(f"its part {name!r} is not an array")
        if name in parts:
            raise ValueError(f"it holds the array {name!r} twice")
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"its part {name!r} is compressed by method {part.compress_type}, not by deflate")
        if part.compress_size > size or part.file_size > _DEFLATE_RATIO * part.compress_size + 64:
            raise ValueError(f"its part {name!r} claims {part.file_size} bytes, more than the file can hold")
        parts[name] = part
    return parts


def check_header(file: IO[bytes], size: int) -> None:
    """Raise unless the array that the header promises fills a file of ``size`` bytes exactly."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its version {version} is for records only")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        raise TypeError("Object arrays cannot be loaded")
    if dtype.kind == "V":
        raise ValueError(f"it holds records ({dtype}), not numbers or text")
    count = math.prod(shape)
    if min(shape, default=0) < 0 or (count == 0 and max(shape, default=0) > _MOST_ROWS):
        raise ValueError(f"its header claims shape {shape}")
    held = size - file.tell()
    if count * dtype.itemsize != held or (count and not dtype.itemsize):
        raise ValueError(f"its header claims shape {shape} of {dtype}, which is not what its {held} bytes hold")
