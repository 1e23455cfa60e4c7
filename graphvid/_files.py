"""Files: write them completely or not at all; read them and name any defect in one sentence."""

from __future__ import annotations

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graphvid._array_headers import archive_parts, check_header
from graphvid._temporaries import temporary_beside

if TYPE_CHECKING:
    from torch import Tensor

StrPath = str | os.PathLike[str]

_RUST_ERROR = re.compile(r"Os \{ code: (\d+)|os error (\d+)")  # safetensors reports the system's errors as text


@contextmanager
def atomic_path(path: StrPath) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path`` that becomes ``path`` when the block ends without an error.

    After a crash, a full disk or an interruption, ``path`` is what it was before, and the temporary file is removed. A
    killed process leaves its temporary file, which `is_temporary` recognises.

    Parameters
    ----------
    path : path-like
        The final name; its folder must exist. The temporary name keeps its suffix.

    Raises
    ------
    OSError
        ``path`` cannot be written (no such folder, a folder of that name, no permission), or the disk is full; names
        ``path`` and not the temporary file.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "notes.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = Path(path)
    check_output(target)
    temporary = temporary_beside(target)
    try:
        with _naming(target, temporary):
            # `open` instead of `tempfile`: then the system applies the umask, which Python cannot read without changing it.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: StrPath) -> Iterator[Path]:
    """Yield a temporary folder beside ``path`` that becomes ``path`` when the block ends without an error.

    Parameters
    ----------
    path : path-like
        The final name. It must not exist yet, and its folder must exist. The caller flushes its files to the disk.

    Raises
    ------
    FileExistsError
        ``path`` exists.
    OSError
        As in `atomic_path`.
    """
    target = Path(path)
    if os.path.lexists(target):
        raise FileExistsError(f"path must not exist yet, got {target}")
    check_output(target)
    temporary = temporary_beside(target)
    try:
        with _naming(target, temporary):
            temporary.mkdir()
            yield temporary
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_output(out: StrPath, inputs: Iterable[StrPath | None] = ()) -> None:
    """Raise unless the file ``out`` can be written without overwriting one of the ``inputs``; writes nothing.

    Parameters
    ----------
    out : path-like
        A file, which may be there already.
    inputs : iterable of path-like or None
        Files and folders that the same command reads; None is passed over.

    Raises
    ------
    OSError
        The folder of ``out`` does not exist or may not be written, ``out`` is a folder, or neither file nor folder.
    ValueError
        ``out`` is one of the inputs, under this or another name, or lies in a folder among them.
    """
    target = Path(out)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target} cannot be written: there is no folder {target.parent}")
    if target.is_dir():
        raise IsADirectoryError(f"{target} cannot be written: it is a folder")
    if target.exists() and not target.is_file():
        raise OSError(f"{target} cannot be written: it is not an ordinary file")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"{target} cannot be written: no permission in {target.parent}")
    for source in (Path(name) for name in inputs if name):
        inside = source.is_dir() and target.resolve().is_relative_to(source.resolve())
        if inside or (target.exists() and source.exists() and target.samefile(source)):
            raise ValueError(f"the output must not replace an input, got {target} for both, or in the folder {source}")


def write_json(path: StrPath, value: Any) -> None:  # Any: whatever JSON can hold
    """Write ``value`` as indented JSON, completely or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


@contextmanager
def reading(path: StrPath, form: str, part: str = "") -> Iterator[None]:
    """Turn every error of the block, which parses a file, into one sentence about the file.

    Parameters
    ----------
    path : path-like
        The file that is read.
    form : str
        The expected form: "an .npz archive".
    part : str, default ""
        Place in the file: "array 'ids'".

    Raises
    ------
    FileNotFoundError
        There is no such file.
    PermissionError
        The process may not read the file.
    TypeError
        The file holds Python objects, which graphvid never unpickles.
    ValueError
        Every other error; names file, part and defect.
    """
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} not found") from None
    except PermissionError:
        raise
    except Exception as error:  # parsers raise every kind there is for damaged bytes, out of memory and recursion too
        raise explain(path, form, error, part) from None


def explain(path: StrPath, form: str, error: Exception, part: str = "") -> Exception:
    """Return the error to raise, in one sentence, for a file that could not be read."""
    where = f"{part} of {path}" if part else str(path)
    if "Object arrays" in str(error):
        return TypeError(f"{where} holds Python objects, which are never unpickled; save numbers or fixed-width text")
    reason = (str(error).strip().splitlines() or [""])[0].rstrip(".")[:200]
    reason = "".join(char if char.isprintable() else repr(char)[1:-1] for char in reason)
    if not reason or isinstance(error, (KeyError, RecursionError, MemoryError)):
        reason = f"{type(error).__name__} {reason}".strip()
    return ValueError(f"{where} is not {form}, or it is truncated or corrupt ({reason})")


def read_npy(path: StrPath, *, mmap: bool = False) -> NDArray[Any]:
    """Return the array of an .npy file without unpickling; with ``mmap`` as a read-only map of the file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TypeError
        An array of Python objects.
    ValueError
        Another kind of file, a header that promises more or less than the file holds, records; names the file.
    """
    path = Path(path)
    with reading(path, "an .npy array"), path.open("rb") as file:
        if file.read(4) == b"PK\x03\x04":
            raise ValueError("it is an archive, not an .npy array; name it .npz")
        file.seek(0)
        check_header(file, path.stat().st_size)
        if mmap:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        else:
            file.seek(0)
            array = np.lib.format.read_array(file, allow_pickle=False)
    return array  # type: ignore[no-any-return] # untyped in NumPy


def read_npz(path: StrPath, required: Sequence[str] = ()) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz file by name, without unpickling.

    Parameters
    ----------
    path : path-like
        Its parts are stored or deflated, as NumPy writes them. The reader compares the size that a part claims with the
        size of the file.
    required : sequence of str
        Arrays that must be there.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    TypeError
        An array of Python objects.
    ValueError
        Another kind of file, a damaged or encrypted one, a part that is no array or promises more than it holds, or no
        array of a required name; names the file and the part.
    """
    path, form = Path(path), "an .npz archive"
    arrays: dict[str, NDArray[Any]] = {}
    with ExitStack() as stack:
        with reading(path, form):
            file = stack.enter_context(path.open("rb"))
            if file.read(6) == b"\x93NUMPY":
                raise ValueError("it holds a single array; name it .npy")
            archive = stack.enter_context(zipfile.ZipFile(file))
            parts = archive_parts(archive, path.stat().st_size)
        for name, part in parts.items():
            with reading(path, form, f"array {name!r}"):
                with archive.open(part) as content:
                    check_header(content, part.file_size)
                with archive.open(part) as content:
                    arrays[name] = np.lib.format.read_array(content, allow_pickle=False)
                    content.read(1)  # the checksum is compared at the end
    absent = [name for name in required if name not in arrays]
    if absent:
        raise ValueError(f"{path} must hold the arrays {list(required)}, got {sorted(arrays)}")
    return arrays


def read_json(path: StrPath, required: Sequence[str] = ()) -> dict[str, Any]:  # Any: whatever JSON can hold
    """Return the object in a JSON file.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        No JSON (also: nested too deeply), no object, or one without a ``required`` key; names the file.
    """
    with reading(path, "valid JSON"):
        value = json.loads(Path(path).read_bytes())
    if not isinstance(value, dict):
        raise ValueError(f"{path} must hold a JSON object, got {type(value).__name__}")
    absent = [key for key in required if key not in value]
    if absent:
        raise ValueError(f"{path} must have the entries {list(required)}, but {absent} are missing")
    return value


def read_safetensors(path: StrPath) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors of a safetensors file by name, on the CPU, and its metadata.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is truncated, corrupt or of another kind; names the file and the defect.
    """
    from safetensors import safe_open

    with reading(path, "a safetensors file"), safe_open(path, framework="pt", device="cpu") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        metadata: dict[str, str] = stored.metadata() or {}
    return tensors, metadata


@contextmanager
def _naming(target: Path, temporary: Path) -> Iterator[None]:
    """Make a system error about the temporary file name the target instead."""
    try:
        yield
    except OSError as error:
        at = error.filename
        if error.errno is None or not (at is None or Path(os.fsdecode(at)).is_relative_to(temporary)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(target)) from None
    except Exception as error:
        found = _RUST_ERROR.search(str(error)) if type(error).__name__ == "SafetensorError" else None
        if found is None:
            raise
        code = int(found[1] or found[2])
        raise OSError(code, os.strerror(code), str(target)) from None
