"""The only module that imports FAISS, which comes with the extra ``retrieval``."""

from __future__ import annotations

from types import ModuleType


def import_faiss() -> ModuleType:
    """Return the module ``faiss``, or raise an ImportError that names the extra."""
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            f'this needs FAISS, which cannot be imported ({error}); install it with: pip install "graphvid[retrieval]"'
        ) from error
    module: ModuleType = faiss
    return module
