"""Vectors and codes to indices: exact search, codes of a few bytes, and FAISS."""

from graphvid.retrieval.code_index import CodeIndex
from graphvid.retrieval.result import SearchResult
from graphvid.retrieval.vector_index import VectorIndex

__all__ = ["CodeIndex", "SearchResult", "VectorIndex"]
