"""Losses and item negatives where DGL is not installed."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
sys.modules["dgl"] = None
import torch
from graphvid.data import Interactions
from graphvid.losses import CosineContrastiveLoss
from graphvid.sampling import ItemNegativeSampler, StreamingFrequency
train = Interactions.from_pairs([0, 0, 1], [0, 1, 2], num_items=3)
negatives = ItemNegativeSampler(train, 2, reject=True).sample(torch.tensor([0]))
print(negatives.items.tolist(), float(CosineContrastiveLoss(0.5)(torch.ones(1), torch.ones(1, 2))))
print(StreamingFrequency(3), "graphvid._dgl" in sys.modules)
"""


def test_negatives_are_drawn_and_losses_computed():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[[2, 2]] 1.0", "StreamingFrequency(num_items=3, rate=0.01) False"]
