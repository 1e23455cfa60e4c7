"""Vectors and codes to indices: exact search, codes of a few bytes, and FAISS."""

from graphvid.retrieval.code_index import CodeIndex
from graphvid.retrieval.faiss_index import FaissIndex, from_faiss, to_faiss
from graphvid.retrieval.result import SearchResult
from graphvid.retrieval.vector_index import VectorIndex

__all__ = ["CodeIndex", "FaissIndex", "SearchResult", "VectorIndex", "from_faiss", "to_faiss"]
