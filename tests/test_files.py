"""Files are whole or not there, whatever interrupts the writing; damaged ones are named, whatever they say."""

from __future__ import annotations

import errno
import io
import os
import stat
import subprocess
import sys
import textwrap
import warnings
import zipfile

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from graphvid._files import (
    atomic_path,
    check_output,
    read_json,
    read_npy,
    read_npz,
    read_safetensors,
    write_json,
)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), ValueError()])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "metrics.json"
    target.write_text("old")

    def interrupted_writing():
        with atomic_path(target) as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(type(error)):
        interrupted_writing()
    assert target.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["metrics.json"]


def test_a_full_disk_is_an_error_and_leaves_no_file(tmp_path, monkeypatch):
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(tmp_path / "config.json", {"a": 1})
    assert list(tmp_path.iterdir()) == []


def test_the_file_appears_with_ordinary_permissions_only_at_the_end(tmp_path):
    target = tmp_path / "embeddings.npz"
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"whole")
        assert temporary.suffix == ".npz"
        assert not target.exists()
    assert target.read_bytes() == b"whole"
    (tmp_path / "plain").touch()
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"), atomic_path(tmp_path / "nowhere" / "file"):
        pass


def test_a_missing_folder_names_the_target_and_not_the_temporary(tmp_path):
    for write in (lambda path: write_json(path, {}), lambda path: check_output(path)):
        with pytest.raises(FileNotFoundError, match=r"nodir/o.json cannot be written: there is no folder .*nodir$"):
            write(tmp_path / "nodir" / "o.json")
    (tmp_path / "file").touch()
    with pytest.raises(FileNotFoundError, match=r"file/o.json cannot be written: there is no folder"):
        write_json(tmp_path / "file" / "o.json", {})
    with pytest.raises(IsADirectoryError, match=r"cannot be written: it is a folder"):
        write_json(tmp_path, {})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"pipe cannot be written: it is not an ordinary file"):
        write_json(tmp_path / "pipe", {})
    with pytest.raises(OSError, match=r"/dev/null cannot be written"):
        write_json("/dev/null", {})


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError('Error while serializing: I/O error: Os { code: 28, kind: StorageFull, message: "No space" }'),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
    ],
)
def test_a_full_disk_is_one_sentence_that_names_the_target(tmp_path, error):
    target = tmp_path / "checkpoint.safetensors"

    def write():
        with atomic_path(target):
            raise error

    with pytest.raises(OSError, match=r"No space left on device: '.*/checkpoint.safetensors'$") as caught:
        write()
    assert caught.value.errno == errno.ENOSPC
    assert list(tmp_path.iterdir()) == []


def test_a_limit_of_the_system_is_one_sentence_for_every_writer(tmp_path):
    code = """
        import resource, signal, sys
        import numpy, torch
        from safetensors.torch import save_file
        from graphvid._files import atomic_path
        from graphvid.data import ClipFeatures, Features
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        folder = sys.argv[1]
        def tensors():
            with atomic_path(folder + "/c.safetensors") as temporary:
                save_file({"w": torch.ones(100_000)}, temporary)
        table = numpy.random.default_rng(0).normal(size=(50, 1000))
        for write in (tensors, lambda: Features(range(50), {"x": table}).save(folder + "/f.npz"),
                      lambda: ClipFeatures(range(50), table[:, :, None]).save(folder + "/clips")):
            try:
                write()
            except OSError as error:
                print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], capture_output=True, text=True, check=True
    )
    expected = [f"[Errno 27] File too large: '{tmp_path / name}'" for name in ("c.safetensors", "f.npz", "clips")]
    assert done.stdout.splitlines() == expected
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    def write():
        with atomic_path(tmp_path / "out.json"):
            (tmp_path / "input.json").read_text()

    with pytest.raises(FileNotFoundError, match=r"input.json"):
        write()


def test_an_output_is_never_one_of_the_inputs(tmp_path):
    source, other = tmp_path / "x.npz", tmp_path / "y.npz"
    source.write_bytes(b"input")
    check_output(other, [source, None, tmp_path / "absent"])
    (tmp_path / "link").symlink_to(source)
    (tmp_path / "hard").hardlink_to(source)
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match="the output must not replace an input, got"):
        check_output(tmp_path / "folder" / ".." / "x.npz", [other, str(source)])
    for name in ("x.npz", "link", "hard"):
        with pytest.raises(ValueError, match="the output must not replace an input, got"):
            check_output(tmp_path / name, [source])
    with pytest.raises(ValueError, match="or in the folder"):
        check_output(tmp_path / "folder" / "features.npy", [tmp_path / "folder"])
    assert source.read_bytes() == b"input"


def test_importing_does_not_touch_the_umask():
    code = """
        import os
        def refuse(mask): raise AssertionError("umask")
        os.umask = refuse
        import graphvid._files
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_a_file_gets_the_permissions_of_the_umask_of_the_moment(tmp_path):
    before = os.umask(0o077)
    try:
        write_json(tmp_path / "private.json", {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "private.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"[" * 100_000, r"is not valid JSON, or it is truncated or corrupt \(RecursionError"),
        (b'{"a": ', "is not valid JSON, or it is truncated or corrupt"),
        (b"", "is not valid JSON, or it is truncated or corrupt"),
        (b"\xff\x00\x01\xfe", "is not valid JSON, or it is truncated or corrupt"),
        (b"9" * 10_000, "is not valid JSON, or it is truncated or corrupt"),
        (b"[1]", "must hold a JSON object, got list"),
        (b"null", "must hold a JSON object, got NoneType"),
        (b'{"a": 1}', r"must have the entries \['method', 'a'\], but \['method'\] are missing"),
    ],
)
def test_bad_json_is_named(tmp_path, content, match):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(ValueError, match=rf"config.json {match}") as caught:
        read_json(tmp_path / "config.json", ("method", "a"))
    assert "\n" not in str(caught.value)


def test_json_is_read(tmp_path):
    write_json(tmp_path / "x.json", {"method": "rgc"})
    assert read_json(tmp_path / "x.json", ("method",)) == {"method": "rgc"}
    with pytest.raises(FileNotFoundError, match=r"y.json not found"):
        read_json(tmp_path / "y.json")


def npy(descr, shape, data=b""):
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def test_headers_here_are_those_of_numpy(tmp_path):
    (tmp_path / "x.npy").write_bytes(npy("<i8", "(2,)", np.arange(2).tobytes()))
    np.testing.assert_array_equal(read_npy(tmp_path / "x.npy"), [0, 1])


BAD_NPY = {
    "2**40 elements": npy("<f4", f"({2**40},)", b"1234"),
    "2**40 rows of nothing": npy("<f4", f"({2**40}, 0)"),
    "void": npy("|V0", f"({2**36},)"),
    "records": npy("|V8", "(1,)", b"12345678"),
    "no text": npy("<U0", f"({2**36},)"),
    "long text": npy("<U536870911", "(1,)", b"1234"),
    "sub-array": npy(("<f4", (2**40,)), "(1,)", b"1234"),
    "negative": npy("<f4", "(-1,)", b"1234"),
    "huge product": npy("<f4", f"({2**40}, {2**40}, {2**40})", b"1234"),
    "open bracket": npy("<f4", "(1,", b"1234"),
    "many brackets": npy("<f4", "(" * 60, b"1234"),
    "not a literal": npy("<f4", "__import__('os').getpid()", b"1234"),
    "unknown type": npy("<q9", "(1,)", b"1234"),
    "too short": npy("<f4", "(2,)", b"1234567"),
    "too long": npy("<f4", "(1,)", b"12345678"),
    "version 9": npy("<f4", "(1,)", b"1234").replace(b"NUMPY\x01", b"NUMPY\x09"),
    "header cut": npy("<f4", "(1,)")[:40],
    "empty": b"",
}


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("content", BAD_NPY.values(), ids=BAD_NPY.keys())
def test_npy_files_that_claim_more_than_they_hold_or_are_damaged_are_named(tmp_path, content, mmap):
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"x.npy is not an .npy array, or it is truncated or corrupt \(.+\)$"
    ) as caught:
        read_npy(tmp_path / "x.npy", mmap=mmap)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("content", BAD_NPY.values(), ids=BAD_NPY.keys())
def test_npz_files_with_such_parts_are_named(tmp_path, content, compression):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", compression) as archive:
        archive.writestr("good.npy", npy("<f4", "(1,)", b"1234"))
        archive.writestr("ids.npy", content)
    with pytest.raises(
        ValueError, match=r"array 'ids' of .*x.npz is not an .npz archive, or it is trunc.*corrupt \(.+\)$"
    ):
        read_npz(tmp_path / "x.npz")


def archive_of(*parts, compression=zipfile.ZIP_STORED):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is there twice
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", compression) as archive:
            for name, content in parts:
                archive.writestr(name, content)
    return file.getvalue()


def damage(content, start, *changes):
    """Change bytes at offsets after the first occurrence of ``start``."""
    damaged = bytearray(content)
    for offset, value in changes:
        damaged[content.index(start) + offset] = value
    return bytes(damaged)


GOOD = npy("<f4", "(1,)", b"1234")
ZIP = archive_of(("x.npy", GOOD))
BAD_NPZ = {
    "a part that is no array": archive_of(("x.npy", GOOD), ("notes.txt", b"text")),
    "a folder": archive_of(("x/", b"")),
    "one name twice": archive_of(("x.npy", GOOD), ("x.npy", GOOD)),
    "bzip2": archive_of(("x.npy", GOOD), compression=zipfile.ZIP_BZIP2),
    "lzma": archive_of(("x.npy", GOOD), compression=zipfile.ZIP_LZMA),
    "unknown compression": damage(damage(ZIP, b"PK\x01\x02", (10, 99)), b"PK\x03\x04", (8, 99)),
    "encrypted": damage(damage(ZIP, b"PK\x01\x02", (8, 1)), b"PK\x03\x04", (6, 1)),
    "a size beyond the file": damage(ZIP, b"PK\x01\x02", (27, 99), (23, 99)),
    "a length beyond deflate": damage(ZIP, b"PK\x01\x02", (27, 99)),
    "another checksum": damage(ZIP, b"PK\x01\x02", (16, 0), (17, 0)),
    "another version": damage(ZIP, b"PK\x01\x02", (6, 250)),
    "changed data": ZIP.replace(b"1234", b"1235"),
    "cut": ZIP[:-30],
    "empty": b"",
    "text": b"PK\x03\x04 and no more",
}


@pytest.mark.parametrize("content", BAD_NPZ.values(), ids=BAD_NPZ.keys())
def test_strange_and_damaged_archives_are_named(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=r"x.npz is not an .npz archive, or it is truncated or corrupt \(.+\)$"
    ) as caught:
        read_npz(path)
    assert "\n" not in str(caught.value)


def test_archives_are_read_as_numpy_writes_them(tmp_path):
    arrays = {
        "a": np.arange(6).reshape(2, 3),
        "b": np.asfortranarray(np.ones((3, 2))),
        "c": np.array(["x", "ü"]),
        "d": np.array(3),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "x.npz", **arrays, zeros=np.zeros((1000, 1000)), empty=np.zeros((0, 3)))
        found = read_npz(tmp_path / "x.npz", ("a", "d"))
        assert set(found) == {*arrays, "zeros", "empty"}
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
            assert found[name].dtype == array.dtype
    np.testing.assert_array_equal(read_npz(tmp_path / "x.npz")["zeros"], np.zeros((1000, 1000)))
    with pytest.raises(ValueError, match=r"x.npz must hold the arrays \['a', 'q'\], got \['a', 'b', "):
        read_npz(tmp_path / "x.npz", ("a", "q"))


def test_safetensors_files_are_read_or_named(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"w": torch.arange(3.0)}, path, metadata={"crc32": "1"})
    tensors, metadata = read_safetensors(path)
    assert tensors["w"].tolist() == [0.0, 1.0, 2.0]
    assert metadata == {"crc32": "1"}
    whole = path.read_bytes()
    for content in (b"", whole[:7], whole[:-1], b"\xff" * 8 + whole[8:], b"x" * 200):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"x.safetensors is not a safetensors file, or it is truncated or corrupt \(.+\)$"
        ):
            read_safetensors(path)
    with pytest.raises(FileNotFoundError, match=r"y.safetensors not found"):
        read_safetensors(tmp_path / "y.safetensors")
