"""Indices over vectors and codes: exact search, codes of a few bytes, FAISS, and ensembles of vectors."""

from graphvid.retrieval._fingerprint import fingerprint
from graphvid.retrieval._ids import as_kind_of
from graphvid.retrieval.code_index import CodeIndex
from graphvid.retrieval.ensembles import SVDEnsemble, mean_ensemble
from graphvid.retrieval.faiss_build import CODED, to_faiss
from graphvid.retrieval.faiss_index import FaissIndex, from_faiss
from graphvid.retrieval.files import files_at, open_index, save_vectors
from graphvid.retrieval.result import SearchResult
from graphvid.retrieval.vector_index import VectorIndex

__all__ = [
    "CODED",
    "CodeIndex",
    "FaissIndex",
    "SVDEnsemble",
    "SearchResult",
    "VectorIndex",
    "as_kind_of",
    "files_at",
    "fingerprint",
    "from_faiss",
    "mean_ensemble",
    "open_index",
    "save_vectors",
    "to_faiss",
]
