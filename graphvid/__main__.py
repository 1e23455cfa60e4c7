"""The ``graphvid`` command as ``python -m graphvid``."""

from __future__ import annotations

from graphvid.cli import main

if __name__ == "__main__":
    main()
