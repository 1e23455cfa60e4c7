"""The only module that imports DGL: ``from graphvid._dgl import DGLGraph, dgl``.

Differences to ``import dgl``:

- the backend is PyTorch. DGL prints no line, writes no ``~/.dgl/config.json`` and does not look for a newer ogb over the
  network, as DGL 2 otherwise does;
- DGL 2.x imports under every PyTorch. Its ``graphbolt`` is a binary for one PyTorch version; where the installed one
  has none, an empty stand-in takes the place of ``dgl.graphbolt`` (graphvid uses nothing of it);
- a failed import is an `ImportError` of one sentence that says what to install.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

import torch

from graphvid._ogb import no_version_check

__all__ = ["DGLGraph", "dgl"]

_SUPPORTED = ">=1.1.3,<3"
_GRAPHBOLT = "dgl.graphbolt"
_GRAPHBOLT_FILES = {
    "linux": "libgraphbolt_pytorch_{}.so",
    "darwin": "libgraphbolt_pytorch_{}.dylib",
    "win32": "graphbolt_pytorch_{}.dll",
}
_GRAPHBOLT_NEEDS = ("torchdata.datapipes", "pydantic", "yaml")  # imported by it, not all required by DGL's wheel


def _install_command() -> str:
    return 'pip install "dgl>=1.1.3,<2"' if sys.version_info < (3, 12) else 'pip install "dgl>=2.1,<3"'


def _installed_version() -> str:
    """Return the version of the installed DGL after checking that it is one graphvid supports."""
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError as error:
        raise ImportError(
            "graphvid and DGL need the package 'packaging', which is absent: pip install packaging"
        ) from error
    try:
        version = metadata.version("dgl")
    except metadata.PackageNotFoundError as error:
        raise ImportError(f"graphvid needs DGL {_SUPPORTED}, which is not installed: {_install_command()}") from error
    if not SpecifierSet(_SUPPORTED).contains(version, prereleases=True):
        raise ImportError(f"graphvid needs DGL {_SUPPORTED}, got DGL {version}: {_install_command()}")
    return version


def _find(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ImportError:  # the parent package is absent
        return None


def _graphbolt_loads(dgl_folder: Path) -> bool:
    """Return whether DGL's own graphbolt can be imported: its library for this PyTorch and its requirements are installed."""
    version = torch.__version__.split("+", maxsplit=1)[0]
    library = dgl_folder / "graphbolt" / _GRAPHBOLT_FILES.get(sys.platform, "{}").format(version)
    return library.is_file() and all(_find(name) for name in _GRAPHBOLT_NEEDS)


def _graphbolt_stand_in(version: str) -> ModuleType:
    """Return an empty module named ``dgl.graphbolt``; its AttributeError says that it is a stand-in."""
    module = importlib.util.module_from_spec(ModuleSpec(_GRAPHBOLT, loader=None))

    def missing(name: str) -> NoReturn:
        raise AttributeError(
            f"{_GRAPHBOLT}.{name} is absent: DGL {version} has no working graphbolt for PyTorch {torch.__version__}"
        )

    module.__dict__["__getattr__"] = missing
    return module


@contextmanager
def _quiet_import() -> Iterator[None]:
    """In the block, set DGL's backend and ignore DGL's one warning; restore the environment afterwards."""
    chosen = os.environ.get("DGLBACKEND")
    os.environ["DGLBACKEND"] = "pytorch"
    try:
        with warnings.catch_warnings(), no_version_check():
            # DGL's docstrings hold "\P" in plain strings, which Python reports when it first compiles the file.
            for category in (DeprecationWarning, SyntaxWarning):
                warnings.filterwarnings("ignore", message="invalid escape sequence", category=category)
            yield
    finally:
        del os.environ["DGLBACKEND"]
        if chosen is not None:
            os.environ["DGLBACKEND"] = chosen


def _import_dgl() -> ModuleType:
    """Import DGL with its PyTorch backend, or raise an `ImportError` that says what to install."""
    spec = _find("dgl")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"graphvid needs DGL {_SUPPORTED}, which is not installed: {_install_command()}")
    version = _installed_version()
    if "dgl" not in sys.modules:  # then a failed import left the module half loaded
        for name in [name for name in sys.modules if name.startswith("dgl.")]:
            del sys.modules[name]
    folder = Path(next(iter(spec.submodule_search_locations)))
    stand_in = _GRAPHBOLT not in sys.modules and (folder / "graphbolt").is_dir() and not _graphbolt_loads(folder)
    if stand_in:
        sys.modules[_GRAPHBOLT] = _graphbolt_stand_in(version)
    try:
        with _quiet_import():
            module = importlib.import_module("dgl")
    except Exception as error:
        if stand_in:
            del sys.modules[_GRAPHBOLT]
        raise ImportError(
            f"DGL {version} does not import under PyTorch {torch.__version__} ({type(error).__name__}: {error}); "
            f"install the DGL graphvid is tested with: {_install_command()}"
        ) from error
    backend = module.backend.backend_name
    if backend != "pytorch":  # somebody imported DGL first
        raise ImportError(
            f"graphvid needs DGL with its PyTorch backend, but DGL is loaded with {backend!r}: unset DGLBACKEND"
        )
    # DGL asks again at run time (DataLoader, multiprocessing); the answer must not depend on a file or print anything.
    module.backend.get_preferred_backend = lambda: "pytorch"
    return module


if TYPE_CHECKING:
    import dgl
    from dgl import DGLGraph
else:
    dgl = _import_dgl()
    DGLGraph = dgl.DGLGraph
