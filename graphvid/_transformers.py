"""Check that transformers, which comes with the extra ``text``, is installed."""

from __future__ import annotations


def need_transformers() -> None:
    """Raise an ImportError that names the extra, unless transformers can be imported."""
    try:
        import transformers  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"titles and texts are read by transformers, which cannot be imported ({error}); install it with: pip install "
            '"graphvid[text]"'
        ) from error
