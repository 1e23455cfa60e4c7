"""Damaged files: whatever bytes a file holds, a reader gives a result or one of our errors that names the file."""

from __future__ import annotations

import functools
import gzip
import io
import json
import resource
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import save_file

from graphvid._files import read_json, read_npz, read_safetensors
from graphvid.clustering import ClusterTree
from graphvid.data import (
    AmazonCoPurchase,
    ClipFeatures,
    Features,
    Interactions,
    OGBGraph,
    TikTok,
    WatchLog,
    load_features,
    read_clip_files,
    read_edges,
    read_frame_release,
    read_interactions,
    read_kuairand,
    read_kuairec,
    read_log_and_features,
)

MUTATIONS = 100  # of every kind of file
MOST_KILOBYTES = 300 * 1024  # of memory for files of a few kilobytes


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(save=np.savez_compressed, **arrays):
    file = io.BytesIO()
    save(file, **arrays)
    return file.getvalue()


def table(compression="snappy", **columns):
    file = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), file, compression=compression)
    return file.getvalue()


def indexed_table(frame):
    file = io.BytesIO()
    frame.to_parquet(file)
    return file.getvalue()


def csv(columns, *rows):
    return "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows), ""]).encode()


def tree():
    arrays = {"parents_0": np.array([0, 1, 0, 1]), "parents_1": np.array([0, 0])}
    return npz(format=np.array("graphvid.ClusterTree 1"), shape=np.array([4, 2, 2]), **arrays)


def tensors(folder):
    save_file({"w": torch.arange(60.0).reshape(6, 10), "b": torch.ones(3)}, folder / "made", metadata={"crc32": "7"})
    return (folder / "made").read_bytes()


RNG = np.random.default_rng(0)
LOG = ("user_id", "video_id", "watch_time", "duration", "timestamp")
ROWS = [(f"u{i % 4}", 10 + i, 2.5 * i, 30, f"2024-05-{i % 28 + 1:02}T10:00:00") for i in range(60)]
KUAI = ("user_id", "video_id", "play_time_ms", "duration_ms", "time_ms", "tab", "is_rand")
FEATURES = Features(range(10, 70), {"x": np.ones((60, 2))})
PHOTO = {
    "edges": np.array([[0, 1], [1, 2]], np.int32),
    "labels": np.array([1, 0, 1, 0], np.int16),
    "x_indptr": np.array([0, 1, 2, 3, 4], np.int32),
    "x_indices": np.array([0, 1, 2, 0], np.int16),
    "x_shape": np.array([4, 3], np.int32),
}
TIKTOK = {
    "train": np.array([[0, 1], [1, 0]], np.int32),
    "val": np.array([[0, 0]], np.int32),
    "test": np.array([[1, 2]], np.int32),
    "n_users": np.array(2, np.int32),
    "n_videos": np.array(3, np.int32),
}
OGB = {
    "edge_index": np.array([[0, 1], [1, 2]]),
    "num_nodes_list": np.array([3]),
    "num_edges_list": np.array([2]),
    "node_feat": np.ones((3, 2), np.float32),
}
OGB_META = {"is hetero": "False", "binary": "True", "version": 1, "url": "", "task type": "multiclass classification"}
OGB_META |= {"additional edge files": "None"}
TEXT = b"0 5 2\n2 1 3 4\n7 0\n" * 3
VECTORS = RNG.normal(size=(60, 4)).astype(np.float32)
CSR = {
    "format": np.array(b"csr"),
    "shape": np.array([4, 3]),
    "data": np.array([1.0, 2, 3]),
    "indices": np.array([0, 2, 1], np.int32),
    "indptr": np.array([0, 2, 2, 3, 3], np.int32),
    "ids": np.arange(4),
}
FRAME = pd.DataFrame(dict(zip(LOG[:4], zip(*ROWS))))


def of_folder(read):
    return lambda path: read(path.parent)


def root(read, up=2):
    return lambda path: read(path.parents[up - 1])


# name of the kind: file in its folder, content, reader of the file, other files that must be there
KINDS = {
    "npy": ("x.npy", npy(VECTORS), load_features, {}),
    "npy text": (
        "ids.npy",
        npy(np.array(["a", "b"])),
        of_folder(ClipFeatures.open),
        {"features.npy": npy(np.ones((2, 2, 1)))},
    ),
    "npy map": ("features.npy", npy(np.ones((2, 2, 1))), of_folder(ClipFeatures.open), {"ids.npy": npy(np.arange(2))}),
    "npy clips": (
        "7.npy",
        npy(np.ones((4, 8), np.float16)),
        of_folder(read_clip_files),
        {"8.npy": npy(np.ones((4, 8), np.float16))},
    ),
    "npz": ("x.npz", npz(ids=np.arange(60), a=VECTORS), load_features, {}),
    "npz stored": ("x.npz", npz(np.savez, ids=np.array([f"v{i}" for i in range(60)]), a=VECTORS), load_features, {}),
    "npz bytes": ("x.npz", npz(np.savez, ids=np.array([b"a", b"b"]), a=np.eye(2)), load_features, {}),
    "npz csr": ("x.npz", npz(np.savez, **CSR), load_features, {}),
    "npz csr deflated": ("x.npz", npz(**CSR), load_features, {}),
    "npy shards": (
        "part-0.npy",
        npy(VECTORS),
        of_folder(functools.partial(load_features, mmap=True)),
        {"part-1.npy": npy(VECTORS)},
    ),
    "npz clips": ("x.npz", npz(ids=np.arange(3), features=np.ones((3, 2, 2))), ClipFeatures.open, {}),
    "npz arrays": (
        "split.npz",
        npz(train=np.arange(9), test=np.arange(4)),
        functools.partial(read_npz, required=["train"]),
        {},
    ),
    "tree": ("tree.npz", tree(), ClusterTree.load, {}),
    "amazon": (
        "copurchase_graphs/amazon_photo.npz",
        npz(**PHOTO),
        root(functools.partial(AmazonCoPurchase, "photo")),
        {},
    ),
    "tiktok": (
        "tiktok/interactions.npz",
        npz(**TIKTOK),
        root(TikTok),
        {"tiktok/features.npz": npz(audio=np.ones((3, 2)), image=np.ones((3, 2)))},
    ),
    "tiktok features": (
        "tiktok/features.npz",
        npz(audio=np.ones((3, 2)), image=np.ones((3, 2))),
        root(TikTok),
        {"tiktok/interactions.npz": npz(**TIKTOK)},
    ),
    "ogb binary": (
        "raw/data.npz",
        npz(**OGB),
        root(functools.partial(OGBGraph, "ogbn-tiny", meta_dict=OGB_META)),
        {"RELEASE_v1.txt": b"", "raw/node-label.npz": npz(node_label=np.array([[0], [1], [0]]))},
    ),
    "ogb labels": (
        "raw/node-label.npz",
        npz(node_label=np.array([[0], [1], [0]])),
        root(functools.partial(OGBGraph, "ogbn-tiny", meta_dict=OGB_META)),
        {"RELEASE_v1.txt": b"", "raw/data.npz": npz(**OGB)},
    ),
    "ogb csv": (
        "raw/num-node-list.csv.gz",
        gzip.compress(b"3\n"),
        root(functools.partial(OGBGraph, "ogbl-tiny", meta_dict=OGB_META | {"binary": "False"})),
        {
            "RELEASE_v1.txt": b"",
            "raw/edge.csv.gz": gzip.compress(b"0,1\n1,2\n"),
            "raw/num-edge-list.csv.gz": gzip.compress(b"2\n"),
            "raw/node-feat.csv.gz": gzip.compress(b"1,2\n1,2\n3,4\n"),
        },
    ),
    "parquet": ("log.parquet", table(**dict(zip(LOG, map(list, zip(*ROWS))))), WatchLog.read, {}),
    "parquet plain": ("log.parquet", table("none", **dict(zip(LOG, map(list, zip(*ROWS))))), WatchLog.read, {}),
    "parquet index": ("log.parquet", indexed_table(FRAME.set_index("video_id")), WatchLog.read, {}),
    "parquet features": (
        "x.parquet",
        table(video_id=list(range(60)), x=VECTORS.tolist(), y=VECTORS[:, 0].tolist()),
        load_features,
        {},
    ),
    "parquet entries": (
        "x.parquet",
        table(video_id=[7, 7, 8], column=[0, 2, 1], weight=[1.0, 0.5, 2.0]),
        load_features,
        {},
    ),
    "parquet lists": (
        "x.parquet",
        table(video_id=[7, 8, 9], columns=[[0, 2], [], [1]], weights=[[1.0, 0.5], [], [2.0]]),
        load_features,
        {},
    ),
    "parquet edges": (
        "e.parquet",
        table(src=[10, 11], dst=[12, 13], weight=[1.0, 2.0]),
        functools.partial(read_edges, features=FEATURES),
        {},
    ),
    "parquet folder": (
        "log.parquet/part-0.parquet",
        table(**dict(zip(LOG, map(list, zip(*ROWS))))),
        of_folder(WatchLog.read),
        {},
    ),
    "csv": ("log.csv", csv(LOG, *ROWS), WatchLog.read, {}),
    "csv gz": ("log.csv.gz", gzip.compress(csv(LOG, *ROWS)), functools.partial(WatchLog.read, strict=False), {}),
    "csv missing": (
        "log.csv",
        csv(LOG, *ROWS),
        functools.partial(WatchLog.read, video_ids=range(10, 70), missing="drop"),
        {},
    ),
    "csv ids": ("log.csv", csv(LOG, *ROWS), functools.partial(WatchLog.read, measures=()), {}),
    "csv edges": (
        "e.csv",
        csv(("src", "dst", "weight"), (10, 11, 1.5), (11, 12, 2)),
        functools.partial(read_edges, features=FEATURES),
        {},
    ),
    "csv aligned": (
        "log.csv",
        csv(LOG, *ROWS),
        lambda path: read_log_and_features(path, path.with_name("x.npz")),
        {"x.npz": npz(ids=np.arange(10, 70), a=VECTORS)},
    ),
    "kuairec": (
        "k.csv",
        csv(("user_id", "video_id", "play_duration", "video_duration", "timestamp"), (1, 2, 3, 4, 5)),
        read_kuairec,
        {},
    ),
    "kuairand": (
        "k.csv",
        csv(KUAI, (1, 2, 3, 4, 5, 0, 0), (1, 3, 3, 4, 5, 1, 1)),
        functools.partial(read_kuairand, tabs=[0, 1]),
        {},
    ),
    "frame release": (
        "f.csv",
        csv(("user_id", "photo_id", "playing_time", "duration_ms"), (1, 2, 3, 4)),
        read_frame_release,
        {},
    ),
    "text": ("train.txt", TEXT, read_interactions, {}),
    "text gz": ("train.txt.gz", gzip.compress(TEXT), read_interactions, {}),
    "json": ("config.json", json.dumps({"method": "rgc", "data": {"n": [1, 2.5, None]}}).encode(), read_json, {}),
    "safetensors": ("w.safetensors", None, read_safetensors, {}),
}
KINDS["text"] = ("train.txt", TEXT, functools.partial(read_interactions, duplicates="drop"), {})
KINDS["text gz"] = ("train.txt.gz", gzip.compress(TEXT), functools.partial(read_interactions, duplicates="drop"), {})
OWN = (ValueError, TypeError, OSError)


def mutate(content: bytes, others: list[bytes], rng: np.random.Generator) -> bytes:
    """Return the content with one to three defects."""
    for _ in range(rng.integers(1, 4)):
        data, size = bytearray(content), len(content)
        at = int(rng.integers(0, max(size, 1)))
        match int(rng.integers(0, 12)):
            case 0 | 1 | 2 if size:  # flipped bits
                data[at] ^= 1 << int(rng.integers(0, 8))
            case 3 if size:  # a byte of the first or last hundred, where headers and directories are
                place = int(rng.integers(0, min(size, 100)))
                data[place if rng.random() < 0.5 else size - 1 - place] = int(rng.integers(0, 256))
            case 4:
                del data[at:]
            case 5:
                del data[at : at + int(rng.integers(1, 40))]
            case 6:
                data[at:at] = rng.integers(0, 256, size=int(rng.integers(1, 40)), dtype=np.uint8).tobytes()
            case 7:  # the head of another kind of file
                other = others[int(rng.integers(0, len(others)))]
                data[: int(rng.integers(1, 64))] = other[: int(rng.integers(1, 64))]
            case 8:
                data[at : at + 8] = int(rng.choice([2**62, 2**31 - 1, 2**40, 2**63 - 1])).to_bytes(8, "little")
            case 9:  # a number in text that is huge
                digits = [place for place, byte in enumerate(data) if chr(byte).isdigit()]
                if digits:
                    place = int(rng.choice(digits))
                    data[place : place + 1] = rng.choice(
                        [b"99999999999999999999", b"-1", b"1e400", b"\xd9\xa5", b"1099511627776"]
                    )
            case 10:
                data[at:at] = rng.choice(
                    [b"[" * 5000, b'{"a":' * 5000, b"(" * 300, b"\x00" * 50, b'"', b",", b"\n", b"nan", b"\xff\xfe"]
                )
            case 11:
                data = bytearray() if rng.random() < 0.3 else data + data
        content = bytes(data)
    return content


def repack(content: bytes, rng: np.random.Generator) -> bytes:
    """Return an archive whose parts are damaged, with checksums that agree: the archive's own cannot save the reader."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as damaged:
        names = archive.namelist()
        chosen = names[int(rng.integers(0, len(names)))]
        for name in names:
            part = archive.read(name)
            damaged.writestr(name, mutate(part, [b"\x93NUMPY\x03\x00", b"PK\x03\x04"], rng) if name == chosen else part)
    return file.getvalue()


def damaged_contents(name: str, content: bytes, others: list[bytes]) -> list[bytes]:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    found = [b"", b"\n", content[:1], content[:-1], b"\x00" * len(content)]
    while len(found) < MUTATIONS:
        half = content[:2] == b"PK" and rng.random() < 0.5
        inner = content[:2] == b"\x1f\x8b" and rng.random() < 0.5
        if half:
            found.append(repack(content, rng))
        elif inner:
            found.append(gzip.compress(mutate(gzip.decompress(content), others, rng)))
        else:
            found.append(mutate(content, others, rng))
    return found


def content_of(name: str, folder: Path) -> bytes:
    return tensors(folder) if name == "safetensors" else KINDS[name][1]


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_damaged_files_end_in_a_result_or_a_sentence_that_names_them(tmp_path, name):
    file, _, read, beside = KINDS[name]
    content = content_of(name, tmp_path)
    folder = tmp_path / "data"
    path = folder / file
    path.parent.mkdir(parents=True)
    for other, bytes_ in beside.items():
        (folder / other).parent.mkdir(parents=True, exist_ok=True)
        (folder / other).write_bytes(bytes_)
    path.write_bytes(content)
    warnings.simplefilter("ignore", UserWarning)  # rows that are dropped are counted elsewhere
    read(path)
    others = [kind[1] for kind in KINDS.values() if kind[1]]
    bad, before = [], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, damaged in enumerate(damaged_contents(name, content, others)):
        path.write_bytes(damaged)
        try:
            read(path)
        except OWN as error:
            text = str(error)
            if str(folder) not in text or "\n" in text.replace("\\n", "") or not text.isprintable():
                bad.append(f"{number}: {type(error).__name__} {text[:300]!r}")
        except Exception as error:
            bad.append(f"{number}: {type(error).__name__} {str(error)[:300]!r}")
    assert bad == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST_KILOBYTES


def test_the_number_of_damaged_files():
    assert len(KINDS) * MUTATIONS >= 2000


def test_interactions_are_checked_by_their_own_constructor():
    for indptr in ([0, 10**9], [0, 2, -1, 2], [1, 2], []):
        with pytest.raises(ValueError, match="indptr must"):
            Interactions(np.array(indptr, dtype=np.int64), np.array([0, 1]), 2)
