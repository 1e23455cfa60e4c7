"""Checkpoints of Lightning's trainer as one safetensors file with tensors and JSON, without pickle."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO
from safetensors.torch import save_file
from torch import Tensor

from graphvid._files import atomic_path, read_safetensors

# Any below: a checkpoint is a nested dictionary whose leaves are tensors or JSON values.


class SafetensorsCheckpointIO(CheckpointIO):
    """Lightning plugin that writes checkpoints completely or not at all, with a checksum, and reads them without pickle.

    Examples
    --------
    >>> import tempfile, torch
    >>> path = tempfile.mkdtemp() + "/last.ckpt"
    >>> SafetensorsCheckpointIO().save_checkpoint({"step": 3, "weights": {"w": torch.ones(2)}}, path)
    >>> SafetensorsCheckpointIO().load_checkpoint(path)
    {'step': 3, 'weights': {'w': tensor([1., 1.])}}
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write ``checkpoint``, a nested container of tensors and JSON values, to ``path``."""
        tensors: dict[str, Tensor] = {}
        tree = _encode(checkpoint, tensors)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        write_tensors(path, tensors, tree=json.dumps(tree))

    def load_checkpoint(
        self, path: str | os.PathLike[str], map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read what `save_checkpoint` wrote, onto the CPU.

        Raises
        ------
        ValueError
            The file is truncated, corrupt or of another kind; the path and the defect are named.
        """
        try:
            tensors, metadata = read_tensors(path)
        except ValueError as error:
            raise ValueError(f"{error}; delete the file to train from the start") from None
        if "tree" not in metadata:
            raise ValueError(f"{os.fspath(path)} is no checkpoint: it has no state tree")
        checkpoint: dict[str, Any] = _decode(json.loads(metadata["tree"]), tensors)
        return checkpoint

    def remove_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Delete ``path``."""
        Path(path).unlink(missing_ok=True)


def write_tensors(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], **metadata: str) -> None:
    """Write tensors by name to one safetensors file, completely or not at all, with a checksum over them and ``metadata``."""
    with atomic_path(path) as temporary:
        save_file(dict(tensors), temporary, metadata={**metadata, "crc32": str(_checksum(tensors, metadata))})


def read_tensors(path: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors and the metadata that `write_tensors` wrote, onto the CPU.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is truncated, corrupt or of another kind; the path and the defect are named.
    """
    tensors, metadata = read_safetensors(path)
    crc = metadata.pop("crc32", None)
    if crc is None:
        raise ValueError(f"{os.fspath(path)} was not written by graphvid: it has no checksum")
    if str(_checksum(tensors, metadata)) != crc:
        raise ValueError(f"{os.fspath(path)} is corrupt: its checksum does not match its tensors")
    return tensors, metadata


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> int:
    crc = zlib.crc32(json.dumps(sorted(metadata.items())).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        content = tensor.reshape(-1).view(torch.uint8) if tensor.numel() else tensor
        crc = zlib.crc32(content.numpy().data, zlib.crc32(name.encode(), crc))
    return crc


def _encode(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(value, Mapping):
        return {"items": [[_encode(key, tensors), _encode(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_encode(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_encode(item, tensors) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a checkpoint holds tensors, dicts, lists, tuples, numbers, strings and None, got {type(value)}")


def _decode(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if isinstance(value, dict):
        if "tensor" in value:
            return tensors[value["tensor"]]
        if "items" in value:
            return {_decode(key, tensors): _decode(item, tensors) for key, item in value["items"]}
        return tuple(_decode(item, tensors) for item in value["tuple"])
    return value
