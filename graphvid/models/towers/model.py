"""The twin tower: one tower for both ends of a pair, trained on tags and then on the scores of pairs."""

from __future__ import annotations

import numpy as np
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import normalize

from graphvid._checks import check_integer
from graphvid._dgl import dgl
from graphvid._random import seeded
from graphvid.data.video_pairs import ScoredPairs
from graphvid.graphs.video_pairs import pair_subgraph, video_pair_graph
from graphvid.losses import AsymmetricTagLoss, PairRegressionLoss, TagBCELoss
from graphvid.models.one_process import OneProcessModule
from graphvid.models.towers.config import TwinTowerConfig
from graphvid.models.towers.inputs import TowerBatch, VideoInputs
from graphvid.models.towers.network import VideoTower
from graphvid.models.towers.optimizer import parameter_groups, rate_factor
from graphvid.nn import TextEncoder
from graphvid.ops import Adjacency
from graphvid.sampling import RowBatch, ShuffledBatches, local_pair_order

_WEIGHT_STREAM, _DROPOUT_STREAM, _ORDER_STREAM = range(3)  # streams of config.seed


class TwinTower(OneProcessModule):
    r"""Learn vectors of videos whose cosines follow the similarity scores of people.

    In stage ``"tags"``, the binary cross-entropy of the tags of single videos. In stage ``"pairs"``, over the pairs
    :math:`(q, c)` of a batch,

    .. math:: L = \ell(\cos(h_q, h_c), s_{qc}) + \lambda \big( \mathrm{BCE}(\hat t_q, t_q) + \mathrm{BCE}(\hat t_c, t_c) \big)

    with :math:`\ell` = `graphvid.losses.PairRegressionLoss`, :math:`\lambda` = ``config.tag_weight`` and the tags
    :math:`\hat t` a linear map of the vector. A batch is a subgraph of the graph of pairs, and each of its videos is
    encoded once, also if it is in several pairs.

    Parameters
    ----------
    inputs : VideoInputs
        The training videos, with a tag vocabulary.
    config : TwinTowerConfig
    pairs : ScoredPairs, optional
        Pairs of rows of ``inputs``; required in stage ``"pairs"``, and only then.
    text : TextEncoder, optional
        See `graphvid.models.towers.build_text_encoder`; required if titles are read.

    Attributes
    ----------
    tower : VideoTower
        The trained tower.

    Raises
    ------
    ValueError
        Pairs in the wrong stage, pairs whose scores are all equal, or inputs without the tag vocabulary that the loss needs.

    Notes
    -----
    All randomness depends only on ``config.seed`` and the number of the step, so on the CPU a resumed training equals an
    uninterrupted one bit for bit, with the same number of threads.

    References
    ----------
    QQ Browser 2021 AI contest, track 1: the solutions of ranks 1 and 11. Departures are listed in the documentation of
    the method.
    """

    def __init__(
        self,
        inputs: VideoInputs,
        config: TwinTowerConfig,
        *,
        pairs: ScoredPairs | None = None,
        text: TextEncoder | None = None,
    ) -> None:
        super().__init__()
        if (pairs is None) != (config.stage == "tags"):
            raise ValueError(
                f"pairs must be given in stage 'pairs' and only then, got {'none' if pairs is None else 'some'}"
            )
        if pairs is not None and (pairs.score == pairs.score[0]).all():
            raise ValueError(f"score must differ between pairs, got {pairs.score[0]} for all {pairs.num_pairs}")
        learns_tags = config.stage == "tags" or config.tag_weight > 0
        if learns_tags and inputs.vocabulary is None:
            raise ValueError("inputs must have a tag vocabulary where tags are learnt; or set tag_weight=0")
        self.inputs, self.config = inputs, config
        num_tags = inputs.vocabulary.num_tags if inputs.vocabulary is not None else 0
        with seeded(config.seed, _WEIGHT_STREAM):
            self.tower = VideoTower(inputs.frame_columns, num_tags, config, text)
        if config.freeze_text and self.tower.text is not None:
            self.tower.text.requires_grad_(False)
        self._graph = None if pairs is None else video_pair_graph(pairs, inputs.num_videos)
        self.pair_loss = PairRegressionLoss(
            mse_weight=config.mse_weight,
            mae_weight=config.mae_weight,
            kl_weight=config.kl_weight,
            target=config.target,
            alpha=config.alpha,
        )
        self.tag_loss = TagBCELoss() if config.tag_loss == "bce" else AsymmetricTagLoss()

    @property
    def steps_per_epoch(self) -> int:
        """Batches an epoch."""
        num_rows, batch_size, _ = self._size()
        return -(-num_rows // batch_size)

    def train_dataloader(self) -> ShuffledBatches[RowBatch]:
        """Return the batches of all epochs: rows of videos, or of pairs."""
        num_rows, batch_size, num_epochs = self._size()
        order = self._local_order if self._graph is not None and self.config.pair_order == "local" else None
        return ShuffledBatches(RowBatch(torch.arange(num_rows)), batch_size, num_epochs, self.config.seed, order=order)

    def _size(self) -> tuple[int, int, int]:
        """Return the sizes of this stage: the number of training rows, the rows of a batch and the epochs."""
        config = self.config
        if self._graph is None:
            return self.inputs.num_videos, config.pretrain_batch_size, config.pretrain_epochs
        return self._graph.num_edges(), config.batch_size, config.num_epochs

    def _local_order(self, epoch: int) -> NDArray[np.int64]:
        assert self._graph is not None
        query, candidate = (end.numpy() for end in self._graph.edges(order="eid"))
        seed = int(np.random.SeedSequence((self.config.seed, _ORDER_STREAM, epoch)).generate_state(1)[0])
        return local_pair_order(query, candidate, self.config.patch_size, seed=seed)

    def training_step(self, batch: RowBatch, batch_idx: int) -> Tensor:
        """Compute the loss of one batch and log it with its parts."""
        with seeded(self.config.seed, _DROPOUT_STREAM, self.global_step):
            losses = self.losses(batch.row)
        for name, value in losses.items():
            self.log(name, value.detach(), prog_bar=name == "loss")
        return losses["loss"]

    def losses(self, row: Tensor) -> dict[str, Tensor]:
        """Return the ``"loss"`` of a batch, and its parts by name if it has several.

        Parameters
        ----------
        row : Tensor of int64, shape (batch,)
            Rows of videos in stage ``"tags"``, of pairs in stage ``"pairs"``.
        """
        return {"loss": self._loss_of_tags(row)} if self._graph is None else self._losses_of_pairs(row)

    def _loss_of_tags(self, row: Tensor) -> Tensor:
        assert self.tower.tags is not None
        rows = row.cpu().numpy()
        loss: Tensor = self.tag_loss(self.tower.tags(self.encode(rows)), self._labels(rows))
        return loss

    def _losses_of_pairs(self, edges: Tensor) -> dict[str, Tensor]:
        assert self._graph is not None
        batch = pair_subgraph(self._graph, edges.cpu())
        rows = batch.ndata[dgl.NID].numpy()
        vectors = self.encode(rows)
        ends = [end.to(self.device) for end in batch.edges(order="eid")]
        relation = Adjacency.from_coo(*ends, num_src=len(rows), num_dst=len(rows))
        unit = normalize(vectors, eps=1e-12)
        cosine = relation.sddmm(unit, unit, op="dot")
        of_pairs: Tensor = self.pair_loss(cosine, batch.edata["score"].to(self.device))
        if not self.config.tag_weight:
            return {"loss": of_pairs}
        assert self.tower.tags is not None
        logits, labels = self.tower.tags(vectors), self._labels(rows)
        of_tags = sum((self.tag_loss(logits[end], labels[end]) for end in ends), torch.zeros((), device=self.device))
        return {"loss": of_pairs + self.config.tag_weight * of_tags, "pair_loss": of_pairs, "tag_loss": of_tags}

    def encode(self, rows: NDArray[np.int64], inputs: VideoInputs | None = None) -> Tensor:
        """Return the vectors of some videos, shape (num_rows, dim), before they are scaled to length 1.

        Parameters
        ----------
        rows : ndarray of int64, shape (num_rows,)
        inputs : VideoInputs, optional
            Default: those of training.
        """
        batch = (self.inputs if inputs is None else inputs).take(rows)
        # Copies, because rounding of products depends on the byte alignment of NumPy memory, which varies from run to run.
        vectors: Tensor = self.tower(TowerBatch(*(x.to(self.device, copy=True) for x in batch)))
        return vectors

    def _labels(self, rows: NDArray[np.int64]) -> Tensor:
        return self.inputs.labels(rows).to(self.device)

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """Return AdamW with its groups, and the schedule of the rates, step by step."""
        optimizer = torch.optim.AdamW(parameter_groups(self.tower, self.tower.text, self.config))
        factor = rate_factor(self.steps_per_epoch * self._size()[2], self.config)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def embed(self, inputs: VideoInputs | None = None, *, chunk_size: int = 256) -> NDArray[np.float32]:
        """Return the unit vectors of all videos, shape (num_videos, dim); see `embed_videos`."""
        return embed_videos(self.tower, self.inputs if inputs is None else inputs, chunk_size=chunk_size)


@torch.no_grad()
def embed_videos(tower: VideoTower, inputs: VideoInputs, *, chunk_size: int = 256) -> NDArray[np.float32]:
    """Return unit vectors of videos.

    Parameters
    ----------
    tower : VideoTower
    inputs : VideoInputs
        The videos, also videos outside training.
    chunk_size : int, default 256
        Videos at once; it bounds the memory, and changes the result only by rounding.

    Returns
    -------
    ndarray of float32, shape (num_videos, dim)
        The row is zero if the output of the tower is zero.
    """
    check_integer("chunk_size", chunk_size, 1)
    device = next(tower.parameters()).device
    training = tower.training
    tower.eval()
    vectors = np.empty((inputs.num_videos, tower.dim), dtype=np.float32)
    for start in range(0, inputs.num_videos, chunk_size):
        rows = np.arange(start, min(start + chunk_size, inputs.num_videos))
        found = tower(TowerBatch(*(x.to(device) for x in inputs.take(rows))))
        vectors[rows] = normalize(found, eps=1e-12).cpu().numpy()
    tower.train(training)
    return vectors


def pair_cosines(vectors: NDArray[np.float32], pairs: ScoredPairs) -> NDArray[np.float64]:
    """Return the cosine of each pair, shape (num_pairs,), of unit vectors (num_videos, dim)."""
    cosines: NDArray[np.float64] = np.einsum(
        "ij,ij->i", vectors[pairs.query], vectors[pairs.candidate], dtype=np.float64
    )
    return cosines
