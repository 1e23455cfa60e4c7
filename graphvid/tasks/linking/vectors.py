"""Vectors of entities and contexts: from links by leading eigenvectors, and from text by a frozen encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix

from graphvid._files import atomic_path, read_npz
from graphvid.nn import ContextEmbedding, TextEncoder
from graphvid.nn.context_embedding import ContextPool

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def link_vectors(
    src: NDArray[np.int64], dst: NDArray[np.int64], num_entities: int, dim: int = 64
) -> NDArray[np.float32]:
    """Return unit vectors whose products approximate the degree-normalised links, from the leading eigenvectors.

    The algorithm is eight rounds of subspace iteration from a fixed start (Halko et al., 2011), on the normalised links plus
    the identity, which has no negative eigenvalue. Entities without links have the zero vector.
    """
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
    """Vectors of texts and contexts by a frozen encoder, each computed once.

    Parameters
    ----------
    encoder : TextEncoder
        With the pooling ``"mean"``.
    tokenizer : PreTrainedTokenizerBase
        Tokenizer of the encoder, of `transformers`.
    pool : {"mean", "mask"}
        Pooling of contexts; texts without a mention have the mean of their states.
    cache : str, optional
        Folder for ``contexts-*.npz``, named by the encoder's fingerprint and the texts. Default: only in memory.
    """

    def __init__(
        self, encoder: TextEncoder, tokenizer: PreTrainedTokenizerBase, pool: ContextPool, cache: str | None = None
    ) -> None:
        self.encoder, self.tokenizer = encoder, tokenizer
        self._contexts = ContextEmbedding(encoder, tokenizer, pool=pool)
        self._texts = ContextEmbedding(encoder, tokenizer, pool="mean")
        self._fingerprints = {embed.pool: embed.fingerprint() for embed in (self._contexts, self._texts)}
        self._cache = None if cache is None else Path(cache)
        self._known: dict[str, NDArray[np.float32]] = {}

    @classmethod
    def open(cls, folder: str, pool: ContextPool, cache: str | None = None) -> TextVectors:
        """Open a folder with a BERT of transformers and its tokenizer.

        Raises
        ------
        FileNotFoundError
            There is no such folder.
        ImportError
            transformers is not installed.
        """
        encoder = TextEncoder(folder, pooling="mean")
        from transformers import AutoTokenizer

        return cls(encoder, AutoTokenizer.from_pretrained(folder, local_files_only=True), pool, cache)

    def of_contexts(
        self, left: Sequence[str] | NDArray[np.object_], right: Sequence[str] | NDArray[np.object_]
    ) -> NDArray[np.float32]:
        """Return the vectors of contexts, (num_contexts, dim)."""
        return self._once(self._contexts, list(left), list(right))

    def of_texts(self, texts: Sequence[str] | NDArray[np.object_]) -> NDArray[np.float32]:
        """Return the vectors of texts without mentions, (num_texts, dim): of names, or of a few sentences."""
        distinct = {text: at for at, text in enumerate(dict.fromkeys(texts))}
        found = self._once(self._texts, list(distinct), [""] * len(distinct))
        return found[[distinct[text] for text in texts]]

    def _once(self, embed: ContextEmbedding, left: list[str], right: list[str]) -> NDArray[np.float32]:
        digest = hashlib.sha256(self._fingerprints[embed.pool].encode())
        for text in (*left, "\0", *right):
            digest.update(f"{text}\0".encode())
        name = digest.hexdigest()[:16]
        if name not in self._known:
            self._known[name] = self._read_or_make(name, embed, left, right)
        return self._known[name]

    def _read_or_make(
        self, name: str, embed: ContextEmbedding, left: list[str], right: list[str]
    ) -> NDArray[np.float32]:
        if self._cache is None:
            return embed(left, right)
        path = self._cache / f"contexts-{name}.npz"
        if path.is_file():
            return np.asarray(read_npz(path, ("vectors",))["vectors"], dtype=np.float32)
        vectors = embed(left, right)
        self._cache.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            np.savez(temporary, vectors=vectors)
        return vectors
