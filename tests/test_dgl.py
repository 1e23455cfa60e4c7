"""DGL's import: clean, silent, and with one sentence that says what to install when it cannot be done."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

from graphvid import _dgl

REPOSITORY = Path(__file__).parents[1]

BLOCK = """
import sys
from importlib.machinery import PathFinder
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {name!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """An empty folder for compiled files, so that each module is compiled, with its warnings, once in these tests."""
    return tmp_path_factory.mktemp("pycache")


@pytest.fixture
def run_python(tmp_path, compiled):
    """Run code in a Python of its own with an empty home folder, warnings being errors."""

    def run(code: str, *, python: str = sys.executable, path: str = "", **environment: str):
        env = {name: value for name, value in os.environ.items() if not name.startswith("DGL")}
        env |= {"HOME": str(tmp_path / "home"), "PYTHONPATH": path, **environment}
        options = ["-W", "error", "-X", f"pycache_prefix={compiled}"]
        return subprocess.run([python, *options, "-c", code], env=env, capture_output=True, text=True, check=False)

    return run


def test_import_is_silent_and_writes_no_file(run_python, tmp_path):
    code = """
import os
from graphvid._dgl import DGLGraph, dgl
import dgl.multiprocessing  # asks for the backend again, after the import
assert dgl.backend.backend_name == "pytorch"
assert isinstance(dgl.graph(([0], [1])), DGLGraph)
assert "DGLBACKEND" not in os.environ
"""
    done = run_python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not (tmp_path / "home").exists()


def test_a_chosen_backend_is_put_back(run_python):
    code = "import os; from graphvid._dgl import dgl; print(dgl.backend.backend_name, os.environ['DGLBACKEND'])"
    done = run_python(code, DGLBACKEND="mxnet")
    assert done.stdout == "pytorch mxnet\n", done.stderr


@pytest.mark.parametrize(
    ("absent", "message"),
    [
        ("dgl", r"graphvid needs DGL >=1.1.3,<3, which is not installed: pip install"),
        ("networkx", r"DGL .* does not import under PyTorch .*networkx.*: pip install"),
    ],
)
def test_absence_is_one_sentence(run_python, absent, message):
    code = f"""{BLOCK.format(name=absent)}
import re
try:
    import graphvid._dgl
except ImportError as error:
    assert re.search({message!r}, str(error)), error
    assert chr(10) not in str(error), error
else:
    raise SystemExit("no error")
"""
    done = run_python(code)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("version", ["1.1.2", "3.0.0", "0.1.3"])
def test_other_versions_are_refused(monkeypatch, version):
    monkeypatch.setattr(metadata, "version", lambda name: version)
    with pytest.raises(ImportError, match=rf"graphvid needs DGL >=1.1.3,<3, got DGL {version}: pip install"):
        _dgl._import_dgl()


@pytest.mark.parametrize("version", ["1.1.3", "2.1.0", "2.4.0+cu124"])
def test_these_versions_are_taken(monkeypatch, version):
    monkeypatch.setattr(metadata, "version", lambda name: version)
    assert _dgl._import_dgl() is _dgl.dgl


def test_a_folder_named_dgl_is_not_dgl(monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: metadata.distribution("no-such-distribution-as-this").version)
    with pytest.raises(ImportError, match="which is not installed: pip install"):
        _dgl._import_dgl()


def test_packaging_absent(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.specifiers", None)
    with pytest.raises(ImportError, match="the package 'packaging', which is absent: pip install packaging"):
        _dgl._import_dgl()


def test_another_backend_is_refused(monkeypatch):
    monkeypatch.setattr(_dgl.dgl.backend, "backend_name", "mxnet")
    with pytest.raises(ImportError, match="DGL is loaded with 'mxnet'"):
        _dgl._import_dgl()


def test_the_command_fits_the_python(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    assert _dgl._install_command() == 'pip install "dgl>=1.1.3,<2"'
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    assert _dgl._install_command() == 'pip install "dgl>=2.1,<3"'


def test_nothing_else_imports_dgl():
    importers = [
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "graphvid").rglob("*.py")
        if any(line.strip().startswith(("import dgl", "from dgl")) for line in path.read_text().splitlines())
    ]
    assert importers == ["graphvid/_dgl.py"]


END_TO_END = """
import os, sys, tempfile, threading, warnings
from graphvid._dgl import DGLGraph, dgl
import numpy as np, torch

assert dgl.__version__ == "2.1.0" and "dgl2" in dgl.__file__, dgl.__file__
assert "DGLBACKEND" not in os.environ and threading.active_count() == 1
try:
    sys.modules["dgl.graphbolt"].ItemSet
except AttributeError as error:
    assert "no working graphbolt" in str(error)
else:
    raise SystemExit("the stand-in is not in place")

watch = ([0, 0, 1, 2], [0, 1, 1, 2])
graph = dgl.heterograph({("user", "watch", "video"): watch}, num_nodes_dict={"user": 3, "video": 4})
neighbours = dgl.sampling.sample_neighbors(graph, {"video": torch.arange(4)}, fanout=1)
assert neighbours.num_edges() == 3
block = dgl.to_block(neighbours, dst_nodes={"video": torch.arange(4), "user": torch.arange(0)})
assert block.num_dst_nodes("video") == 4
warnings.filterwarnings("ignore", message="Dataloader CPU affinity", category=dgl.base.DGLWarning)
sampler = dgl.dataloading.NeighborSampler([2])
(loaded_block,) = next(iter(dgl.dataloading.DataLoader(graph, {"video": torch.arange(4)}, sampler, batch_size=4)))[2]
assert loaded_block.num_edges("watch") == 4
relation = graph["user", "watch", "video"]
assert dgl.ops.copy_u_sum(relation, torch.ones(3, 1)).flatten().tolist() == [1, 2, 1, 0]
assert dgl.node_subgraph(graph, {"user": [0, 1], "video": [1]}).num_edges() == 2
with tempfile.TemporaryDirectory() as folder:
    dgl.save_graphs(f"{folder}/graph.bin", [graph])
    (loaded,), _ = dgl.load_graphs(f"{folder}/graph.bin")
assert loaded.num_edges() == 4

from graphvid.clustering import affinity_clustering
from graphvid.data import WatchLog
from graphvid.graphs import co_watch_graph, node_subgraph, split_nodes
import pandas as pd

rng = np.random.default_rng(0)
frame = pd.DataFrame({"user_id": rng.integers(0, 40, 400), "video_id": rng.integers(0, 60, 400)})
log = WatchLog.from_frame(frame.drop_duplicates())
co_watch = co_watch_graph(log)
train = node_subgraph(co_watch, split_nodes(log.num_videos).train)
tree = affinity_clustering(train, num_levels=2)
print(train.num_nodes(), tree.num_clusters(2) >= 1)
"""


@pytest.mark.slow
@pytest.mark.network
def test_dgl_2_with_its_stand_in(run_python, tmp_path):
    """In an environment of its own: DGL 2.1.0 from the index, everything else from the environment of the tests."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    site_packages = tmp_path / "dgl2"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site_packages), "dgl==2.1.0"]
    installed = subprocess.run(pip, capture_output=True, text=True, check=False)
    if installed.returncode != 0:
        pytest.skip(f"pip cannot install dgl==2.1.0: {installed.stderr.strip().splitlines()[-1]}")
    path = os.pathsep.join([str(site_packages), str(REPOSITORY), sysconfig.get_path("purelib")])
    done = run_python(END_TO_END, python=str(python), path=path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("True\n")
    assert not (tmp_path / "home").exists()
    after_a_failure = """
import warnings
warnings.simplefilter("ignore")
try:
    import dgl
except ImportError:
    from graphvid._dgl import dgl
    assert dgl.graph(([0], [1])).num_edges() == 1 and dgl.ops.copy_u_sum
    print(dgl.__version__)
"""
    done = run_python(after_a_failure, python=str(python), path=path, OUTDATED_IGNORE="1", DGLBACKEND="pytorch")
    assert done.stdout == "2.1.0\n", done.stderr
