"""Costs and promises of `import graphvid`."""

from __future__ import annotations

import subprocess
import sys

import pytest

import graphvid


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_importing_graphvid_loads_no_subpackage_and_nothing_heavy():
    code = "import sys, torch; before = set(sys.modules); import graphvid; print(sorted(set(sys.modules) - before))"
    assert run_python(code).strip() == "['graphvid']"


def test_subpackages_load_on_first_use():
    code = "import graphvid; print(graphvid.metrics.__name__, graphvid.nn.VideoEncoder.__name__)"
    assert run_python(code).split() == ["graphvid.metrics", "VideoEncoder"]


@pytest.mark.parametrize("room", ["duckdb", "spark"])
def test_engines_of_sql_load_nothing_heavy(room):
    heavy = ("torch", "dgl", "numba", "scipy", "matplotlib", "duckdb", "pyspark")
    code = f"import sys, graphvid.{room}; print([name for name in {heavy} if name in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_an_unknown_attribute_names_the_subpackages():
    with pytest.raises(AttributeError, match=r"no attribute 'graph'; subpackages are \['data', 'graphs'"):
        _ = graphvid.graph
    assert set(graphvid.__all__) <= set(dir(graphvid))


@pytest.mark.parametrize("room", [name for name in graphvid.__all__ if name not in ("__version__", "load_run")])
def test_every_promised_name_is_there(room):
    module = getattr(graphvid, room)
    missing = [name for name in module.__all__ if not hasattr(module, name)]
    assert not missing
    assert module.__doc__


def test_a_missing_extra_is_named(monkeypatch) -> None:
    from graphvid._transformers import need_transformers

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ImportError, match=r'transformers.*pip install "graphvid\[text\]"'):
        need_transformers()
