"""Vectors and codes to indices: exact search, codes of a few bytes, and FAISS."""

from graphvid.retrieval.code_index import CodeIndex
from graphvid.retrieval.faiss_index import CODED, FaissIndex, from_faiss, to_faiss
from graphvid.retrieval.files import as_kind_of, files_at, fingerprint, open_index, read_id_list, save_vectors
from graphvid.retrieval.result import SearchResult
from graphvid.retrieval.vector_index import VectorIndex

__all__ = [
    "CODED",
    "CodeIndex",
    "FaissIndex",
    "SearchResult",
    "VectorIndex",
    "as_kind_of",
    "files_at",
    "fingerprint",
    "from_faiss",
    "open_index",
    "read_id_list",
    "save_vectors",
    "to_faiss",
]
