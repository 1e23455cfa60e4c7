"""Checkpoints: what goes in comes out, and a damaged file is told from a whole one."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from graphvid.runs import SafetensorsCheckpointIO

STATE = {
    "step": 3,
    "rate": 0.5,
    "best": float("inf"),
    "names": ["a", None, True],
    "optimizer": {
        "state": {0: {"step": torch.tensor(3.0), "mean": torch.arange(6.0).reshape(2, 3)}},
        "betas": (0.9, 1),
    },
    "masks": {
        "empty": torch.zeros(0, 4),
        "flags": torch.tensor([True, False]),
        "half": torch.ones(2, dtype=torch.half),
    },
}


def assert_equal(a, b):
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_equal(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert type(a) is type(b)
        assert len(a) == len(b)
        for x, y in zip(a, b):
            assert_equal(x, y)
    else:
        assert type(a) is type(b)
        assert a == b


def test_round_trip_keeps_types_keys_and_tensors(tmp_path):
    io, path = SafetensorsCheckpointIO(), tmp_path / "deep" / "last.safetensors"
    io.save_checkpoint(STATE, path)
    assert_equal(io.load_checkpoint(path), STATE)
    assert [entry.name for entry in path.parent.iterdir()] == ["last.safetensors"]


def test_tensors_that_share_memory_are_stored_apart(tmp_path):
    base = torch.arange(4.0)
    SafetensorsCheckpointIO().save_checkpoint({"a": base, "b": base[1:]}, tmp_path / "c")
    assert_equal(SafetensorsCheckpointIO().load_checkpoint(tmp_path / "c"), {"a": base, "b": base[1:]})


@pytest.mark.parametrize("keep", [0, 5, 100, -1])
def test_truncated_file(tmp_path, keep):
    path = tmp_path / "last.safetensors"
    SafetensorsCheckpointIO().save_checkpoint(STATE, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"last\.safetensors is not .*, or it is truncated or corrupt .*; delete the file to train from the start"):
        SafetensorsCheckpointIO().load_checkpoint(path)


def test_one_flipped_bit(tmp_path):
    path = tmp_path / "last.safetensors"
    SafetensorsCheckpointIO().save_checkpoint({"w": torch.ones(8)}, path)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="its checksum does not match its tensors"):
        SafetensorsCheckpointIO().load_checkpoint(path)


def test_file_of_another_kind(tmp_path):
    save_file({"w": torch.ones(2)}, tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match="was not written by graphvid"):
        SafetensorsCheckpointIO().load_checkpoint(tmp_path / "weights.safetensors")


def test_what_is_neither_tensor_nor_json_is_refused_and_the_old_file_stays(tmp_path):
    path = tmp_path / "last.safetensors"
    SafetensorsCheckpointIO().save_checkpoint({"step": 1}, path)
    with pytest.raises(TypeError, match="a checkpoint holds tensors"):
        SafetensorsCheckpointIO().save_checkpoint({"step": object()}, path)
    assert SafetensorsCheckpointIO().load_checkpoint(path) == {"step": 1}


def test_remove(tmp_path):
    SafetensorsCheckpointIO().save_checkpoint({"step": 1}, tmp_path / "c")
    SafetensorsCheckpointIO().remove_checkpoint(tmp_path / "c")
    assert not (tmp_path / "c").exists()
