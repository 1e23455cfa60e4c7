"""
Periodic interests: where next, and why
=======================================

By the end you will be able to

- read check-ins in local time and group places into areas;
- make a graph that links visits by weekday, hour and area, and walk back along it;
- rank places by counts of visits, and by a network over periodic interests;
- explain why a place is recommended.

Time to run: half a minute on one CPU core. Everything is generated; no files and no network are
needed.
"""

# %%
# A town with habits
# ------------------
# Every check-in in this generated town has one cause: a habit of the weekday, of the hour, of the
# area, or of a group of areas at a time of day, the usual successor of the last place, or
# popularity. The times are in UTC; weekday and hour are local, four hours behind.
import matplotlib.pyplot as plt
import pandas as pd
import torch

from graphvid.data import SyntheticCheckIns
from graphvid.graphs import check_in_graph
from graphvid.metrics import expected_ranks, target_scores
from graphvid.models.poi import CountMixture, PeriodicInterests, PeriodicInterestsConfig

town = SyntheticCheckIns(num_users=60, num_pois=200, num_areas=20, check_ins_per_user=(80, 100))
data, windows = town.check_ins, town.windows
pd.DataFrame(
    {"user": data.user, "place": data.poi, "weekday": data.weekday, "hour": data.hour}
).head()

# %%
# Chains
# ------
# Each check-in has an edge to the user's next one that shares a key with it: at most five edges,
# for a history of any length.
graph = check_in_graph(data, town.area, slot_hours=2)
{
    name: graph.num_edges(name)
    for name in ("next", "same_dow", "same_hour", "same_area", "same_hour_area")
}

# %%
# A walk back finds the check-ins in the same hour as a request. The request has the time of a
# test check-in and knows nothing else of it.
config = PeriodicInterestsConfig(
    dim=32, short_length=10, daily_length=20, slot_hours=2, learning_rate=3e-3, num_epochs=5
)
model = PeriodicInterests(graph, windows.train, config)
chains = model.chains
request = chains.before(windows.test[:1])
walk = chains.walk("same_hour", request, length=5)
pd.DataFrame({"row": walk.rows, "hour": data.hour[walk.rows], "place": data.poi[walk.rows]})

# %%
# Counts first
# ------------
# Each kind of count ranks the places alone; the validation check-ins choose the weights of a
# mixture. Ties count half.
asked = chains.before(windows.test)
target = torch.from_numpy(model.places.number[data.poi[windows.test]])
known = (target < model.places.num_places).numpy()


def recall(scores):
    """Give Recall@10 over the test check-ins at places that training saw."""
    return target_scores(expected_ranks(scores[known], target[known]), k=10).recall


found = {
    part: recall(CountMixture(chains, windows.train, [part]).score(asked))
    for part in ("popularity", "history", "successor", "weekday", "hour", "area")
}
found["mixture"] = recall(CountMixture(chains, windows.train).fit(windows.validation).score(asked))
pd.Series(found, name="Recall@10").round(3)

# %%
# The network
# -----------
# This is a plain loop; ``graphvid train periodic-interests`` does the same with Lightning, and
# keeps the best epoch by validation. Batches consist of whole sessions, so the model reads the
# long term once per session.
optimizer = model.configure_optimizers()
losses = []
model.train()
for batch in model.train_dataloader():
    optimizer.zero_grad()
    loss = model.loss(batch.row.numpy())
    loss.backward()
    optimizer.step()
    losses.append(float(loss.detach()))
answer = model.score(asked)
found["periodic interests"] = recall(answer.scores)
pd.Series(found, name="Recall@10").sort_values().round(3)

# %%
# Shares and attention
# --------------------
# The plots show the shares of the mixture and the attention of the network, over all test
# check-ins.
shares = pd.Series(answer.shares.mean(0).numpy(), index=model.parts).sort_values()
figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
axes[0].barh(shares.index, shares)
axes[0].set_title("mean share of the mixture")
axes[1].bar(config.interests, answer.attention.mean(0).numpy())
axes[1].tick_params(axis="x", rotation=30)
_ = axes[1].set_title("mean attention of the network")

# %%
# The parts of the score of the first recommended place:
parts = model.reasons(request)[0]
best = int(parts.sum(0).argmax())
why = pd.Series(
    (parts[:, best] / parts[:, best].sum()).numpy(),
    index=model.parts,
    name=f"place {model.places.pois[best]}",
)
why.sort_values(ascending=False).round(3)
