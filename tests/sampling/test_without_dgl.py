"""Parts of `graphvid.sampling` that need no DGL."""

from __future__ import annotations

import subprocess
import sys

import pytest

from graphvid import sampling

CODE = """
import sys
sys.modules["dgl"] = None
import torch
from graphvid import sampling
from graphvid.ops import Adjacency
ring = torch.arange(6)
adjacency = Adjacency.from_coo((ring + 1) % 6, ring, num_src=6, num_dst=6, weight=torch.ones(6))
sampler = sampling.NeighborSampler(adjacency, [1, 1], include_dst_in_src=True, weighted=True)
print([block.src_ids.tolist() for block in sampler(torch.tensor([4]))])
picks = sampling.sample_neighbors(adjacency, ring, 1)
print(sampling.to_block(adjacency, picks, include_dst_in_src=False).src_ids.tolist(), "graphvid._dgl" in sys.modules)
for name in ("TripletSampler", "neighbor_table"):
    try:
        getattr(sampling, name)
    except ImportError as error:
        print(name, error)
"""


def test_neighbours_are_sampled_and_the_rest_says_what_to_install():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["[[4, 5, 0], [4, 5]]", "[0, 1, 2, 3, 4, 5] False"]
    assert [line.split(", which")[0] for line in lines[2:]] == [
        "TripletSampler graphvid needs DGL >=1.1.3,<3",
        "neighbor_table graphvid needs DGL >=1.1.3,<3",
    ]
    assert "pip install" in lines[2]


def test_names_are_listed_and_unknown_ones_refused():
    assert set(sampling.__all__) <= set(dir(sampling))
    assert sampling.TripletSampler.__module__ == "graphvid.sampling.triplets"
    with pytest.raises(AttributeError, match=r"module 'graphvid\.sampling' has no attribute 'Sampler'"):
        _ = sampling.Sampler
