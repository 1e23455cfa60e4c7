"""Files are whole or not there, whatever interrupts the writing."""

from __future__ import annotations

import errno
import stat

import pytest

from graphvid._files import atomic_path, write_json


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
