"""Reading of files, with errors that name the file, what is expected and what was found."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ENVIRONMENT_VARIABLE = "GRAPHVID_DATA"


def find_root(root: str | Path | None, name: str, expected: str) -> Path:
    """Return ``root``, or $GRAPHVID_DATA where it is None, or raise a FileNotFoundError that says what for."""
    chosen = root if root is not None else os.environ.get(ENVIRONMENT_VARIABLE)
    if not chosen:
        raise FileNotFoundError(
            f"{name} must be given, or {ENVIRONMENT_VARIABLE} set, to the folder that holds {expected}"
        )
    return Path(chosen).expanduser()


def find_files(data_dir: str | Path | None, folder: str, names: Sequence[str], source: str) -> list[Path]:
    """Return the paths of a data set's files below ``data_dir``, or below $GRAPHVID_DATA where that is None.

    Raises
    ------
    FileNotFoundError
        A file is absent; says which files are expected, and where the data come from.
    """
    expected = f"{folder}/ with {' and '.join(names)}; they come from {source}; nothing is downloaded"
    paths = [find_root(data_dir, "data_dir", expected) / folder / name for name in names]
    absent = [str(path) for path in paths if not path.is_file()]
    if absent:
        raise FileNotFoundError(f"{' and '.join(absent)} not found; data_dir must hold {expected}")
    return paths


def read_arrays(path: Path, required: Sequence[str] = ()) -> dict[str, NDArray[np.generic]]:
    """Return the arrays of an .npz file by name, never unpickling.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TypeError
        An array of Python objects.
    ValueError
        The file is corrupt or truncated, or lacks a required array.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    name = ""
    try:
        # Opened here, since np.load leaves a truncated archive open.
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds a single array")
            for name in archive.files:
                arrays[name] = archive[name]
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} not found") from None
    except (ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise explain(path, "an .npz archive", error, name) from None
    absent = [key for key in required if key not in arrays]
    if absent:
        raise ValueError(f"{path} must hold the arrays {list(required)}, got {sorted(arrays)}")
    return arrays


def with_path(error: ValueError | TypeError, path: Path) -> ValueError | TypeError:
    """Return the error to raise where the content of a file, not its form, is refused."""
    return (TypeError if isinstance(error, TypeError) else ValueError)(f"{path}: {error}")


def explain(path: Path, form: str, error: Exception, name: str = "") -> Exception:
    """Return the error to raise, in one sentence, for a file that could not be read."""
    where = f"array {name!r} of {path}" if name else str(path)
    if "Object arrays" in str(error):
        return TypeError(f"{where} holds Python objects, which are never unpickled; save numbers or fixed-width text")
    reason = (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
    return ValueError(f"{where} is not {form}, or it is truncated or corrupt ({reason})")
