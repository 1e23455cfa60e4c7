"""Vectors of entities and contexts: from links, by the leading eigenvectors, and from text, by a frozen encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from graphvid._files import atomic_path, read_npz
from graphvid.nn import ContextEmbedding
from graphvid.nn.context_embedding import ContextPool

_PIECES = 32  # of names, which are short


def link_vectors(
    src: NDArray[np.int64], dst: NDArray[np.int64], num_entities: int, dim: int = 64
) -> NDArray[np.float32]:
    """Return vectors whose products are close to the links, normalised by degrees: leading eigenvectors, of unit length.

    They are found by eight rounds of subspace iteration from a fixed start (Halko et al., 2011), of the normalised links
    plus the identity, which has no negative eigenvalue. Entities without links have the vector zero.
    """
    from scipy.sparse import coo_matrix

    links = coo_matrix((np.ones(len(src)), (src, dst)), shape=(num_entities, num_entities)).tocsr()
    links = ((links + links.T) > 0).astype(np.float64)
    degree = np.asarray(links.sum(axis=1)).ravel()
    scale = np.divide(1.0, np.sqrt(degree), out=np.zeros_like(degree), where=degree > 0)[:, None]
    basis = np.random.default_rng(0).normal(size=(num_entities, min(dim + 16, num_entities))) * (scale > 0)
    for _ in range(8):
        basis, _ = np.linalg.qr(basis + scale * (links @ (scale * basis)))
    values, turn = np.linalg.eigh(basis.T @ (scale * (links @ (scale * basis))))
    vectors = (basis @ turn[:, ::-1])[:, :dim] * np.sqrt(np.maximum(values[::-1][:dim], 0.0))
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 1e-9), dtype=np.float32)


class TextVectors:
    """A frozen encoder from a folder, whose vectors are computed once and kept in a file.

    Parameters
    ----------
    folder : str
        With a BERT of transformers and its tokenizer.
    pool : {"mean", "mask"}
    cache : str, optional
        Folder for ``contexts-*.npz``, named by the encoder's fingerprint and the texts.

    Raises
    ------
    FileNotFoundError
        There is no such folder.
    ImportError
        transformers is not installed.
    """

    def __init__(self, folder: str, pool: ContextPool, cache: str | None) -> None:
        from graphvid.nn.text_encoder import TextEncoder

        encoder = TextEncoder(folder, pooling="mean")
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._contexts = ContextEmbedding(encoder, tokenizer, pool=pool)
        self._texts = ContextEmbedding(encoder, tokenizer, pool="mean", max_pieces=_PIECES)
        self._long = ContextEmbedding(encoder, tokenizer, pool="mean")
        self.cache = None if cache is None else Path(cache)

    def of_contexts(
        self, left: Sequence[str] | NDArray[np.object_], right: Sequence[str] | NDArray[np.object_]
    ) -> NDArray[np.float32]:
        """Return the vectors of contexts, (num_contexts, dim)."""
        return self._cached(self._contexts, list(left), list(right))

    def of_texts(self, texts: Sequence[str] | NDArray[np.object_]) -> NDArray[np.float32]:
        """Return the vectors of texts by themselves, (num_texts, dim): of names, or of a sentence or two."""
        distinct = {text: at for at, text in enumerate(dict.fromkeys(texts))}
        embed = self._texts if max(map(len, distinct), default=0) < 4 * _PIECES else self._long
        found = self._cached(embed, list(distinct), [""] * len(distinct))
        return found[[distinct[text] for text in texts]]

    def _cached(self, embed: ContextEmbedding, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float32]:
        def compute() -> NDArray[np.float32]:
            return embed(list(left), list(right))

        if self.cache is None:
            return compute()
        digest = hashlib.sha256(embed.fingerprint().encode())
        for text in (*left, "\0", *right):
            digest.update(f"{text}\0".encode())
        self.cache.mkdir(parents=True, exist_ok=True)
        return _read_or_make(self.cache / f"contexts-{digest.hexdigest()[:16]}.npz", compute)


def _read_or_make(path: Path, compute: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    if path.is_file():
        return np.asarray(read_npz(path, ("vectors",))["vectors"], dtype=np.float32)
    vectors = compute()
    with atomic_path(path) as temporary:
        np.savez(temporary, vectors=vectors)
    return vectors
