# ruff: noqa: E402
"""A run that answers: made here on a small world, then loaded, asked, and searched with a video that is new."""

import os
import tempfile

from graphvid.data import SyntheticCoWatch
from graphvid.models import RGCConfig
from graphvid.tasks import train
from graphvid.tasks.co_watch import CoWatchSource

os.chdir(tempfile.mkdtemp())
world = SyntheticCoWatch(num_users=400, num_videos=200, seed=1)
world.log.to_frame().to_csv("watches.csv", index=False)
world.features.save("features.npz")
world.features.take([3, 8]).save("new.npz")
train("rgc", CoWatchSource(log="watches.csv", features="features.npz"), "run", RGCConfig(num_steps=30), progress=False)

# begin
from graphvid import load_run
from graphvid.data import load_features
from graphvid.retrieval import VectorIndex

run = load_run("run")
print(run.answers())
print(run.neighbors(5, top_k=2))  # a data frame; a list of ids gives many answers at once

learnt = run.vectors()  # ids and vectors
index = VectorIndex(learnt.modalities["embedding"], learnt.ids)
new = run.embed(load_features("new.npz"))  # nobody need have watched them
found = index.search(new.modalities["embedding"], 2, exclude=[5])
print(found.ids.shape, 5 in found.ids)
# end
