# begin
import tempfile
from functools import partial

import torch

from graphvid import tasks
from graphvid._record import Share, record
from graphvid.models import MFConfig, Recommender
from graphvid.nn.row_table import RowTable
from graphvid.runs import Method
from graphvid.tasks.recommendation import InteractionSource, Recommendation
from graphvid.tasks.recommendation.task import of_ids


@record
class CommonTasteConfig(MFConfig):
    """Options of `CommonTaste`: ``weight`` is the share of what all users have in common."""

    weight: Share = 0.1


class CommonTaste(Recommender):
    """Give every user a vector of their own and one that all users share."""

    def __init__(self, graph, config):
        super().__init__(graph, config, CommonTasteConfig)
        self.users = RowTable(self.num_users, config.dim, config.init_std)
        self.items = RowTable(self.num_items, config.dim, config.init_std)
        self.common = torch.nn.Parameter(torch.zeros(config.dim))

    def encode(self, users, items, left_out=None):
        own = (1 - self.config.weight) * self.users.of(users)
        return own + self.config.weight * self.common, self.items(items)


# end
# table
name, title = "common-taste", "common taste"
Recommendation.methods[name] = Method(title, CommonTasteConfig, partial(of_ids, CommonTaste))
tasks.METHODS[name] = tasks.Entry("recommendation.Recommendation", "Common taste: a vector that all users share.")
# run
folder = tempfile.mkdtemp()
torch.manual_seed(0)
config = CommonTasteConfig(num_epochs=4, learning_rate=5e-3)
metrics = tasks.train(name, InteractionSource(dataset="synthetic"), folder, config, progress=False)
for method, found in metrics["methods"].items():
    print(f"Recall@20, {method}: {found['20']['recall']:.3f}")
print(tasks.load_run(folder).recommend(7, top_k=3)["item_id"].tolist())
