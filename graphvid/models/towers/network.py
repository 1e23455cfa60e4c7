"""The network of the tower: it maps frames and title of a video to one vector, and the vector to tags."""

from __future__ import annotations

from torch import Tensor, nn

from graphvid._transformers import need_transformers
from graphvid.models.towers.config import TwinTowerConfig
from graphvid.models.towers.inputs import TowerBatch
from graphvid.nn import (
    CrossModalTransformer,
    FrameDifference,
    NeXtVLAD,
    OneStreamTransformer,
    SEFusion,
    TextEncoder,
    masked_mean,
)


class VideoTower(nn.Module):
    """Encode videos; query and candidate share this network.

    Parameters
    ----------
    frame_columns : int
        Columns of a frame.
    num_tags : int
        Columns of the tag head; 0 for none.
    config : TwinTowerConfig
    text : TextEncoder, optional
        Required if titles are read.

    Attributes
    ----------
    dim : int
        Columns of a video's vector.
    """

    def __init__(
        self, frame_columns: int, num_tags: int, config: TwinTowerConfig, text: TextEncoder | None = None
    ) -> None:
        super().__init__()
        if config.title and text is None:
            raise ValueError("a text encoder must be given for a tower that reads titles, got none")
        self.config = config
        # Each weight has one name: if the fusion holds the text encoder, this module does not.
        self.titles = text if config.title and config.fusion != "one-stream" else None
        self.frames = self.differences = None
        self.fusion: SEFusion | CrossModalTransformer | OneStreamTransformer | None = None
        positions = config.max_frames if config.frame_positions else 0
        in_dims = []
        if config.frames != "none":
            self.frames = self._frame_encoder(frame_columns)
            in_dims.append(config.frame_dim)
        if config.differences:
            self.difference = FrameDifference()
            self.differences = self._next_vlad(frame_columns)
            in_dims.append(config.frame_dim)
        if self.titles is not None:
            in_dims.append(self.titles.dim)
        self.dim = config.dim
        if config.fusion == "se":
            self.fusion = SEFusion(in_dims, config.dim, dropout=config.dropout)
        elif config.fusion == "cross-modal":
            assert self.titles is not None
            self.fusion = CrossModalTransformer(
                frame_columns,
                self.titles.dim,
                config.dim,
                num_frame_layers=config.num_frame_layers,
                num_cross_layers=config.num_cross_layers,
                num_heads=config.num_heads,
                hidden=config.hidden,
                dropout=config.transformer_dropout,
                share_cross=config.share_cross,
                num_positions=positions,
            )
        elif config.fusion == "one-stream":
            assert text is not None
            self.fusion = OneStreamTransformer(text, frame_columns, config.dim, num_positions=positions)
        else:
            assert self.titles is not None
            self.dim = self.titles.dim
        self.tags = nn.Linear(self.dim, num_tags) if num_tags else None

    @property
    def text(self) -> TextEncoder | None:
        """Encoder of titles (with one-stream it is inside the fusion); None if titles are not read."""
        return self.fusion.text if isinstance(self.fusion, OneStreamTransformer) else self.titles

    def forward(self, batch: TowerBatch) -> Tensor:
        """Return the vectors of some videos, shape (num_videos, dim), before they are scaled to length 1."""
        frames, frame_mask, tokens, token_mask = batch
        if isinstance(self.fusion, OneStreamTransformer):
            vector: Tensor = self.fusion(tokens, token_mask, frames, frame_mask)
            return vector
        modalities = []
        if isinstance(self.frames, NeXtVLAD):
            modalities.append(_where_any(self.frames(frames, frame_mask), frame_mask))
        elif self.frames is not None:
            modalities.append(_where_any(self.frames(masked_mean(frames, frame_mask)), frame_mask))
        if self.differences is not None:
            difference, known = self.difference(frames, frame_mask)
            modalities.append(_where_any(self.differences(difference, known), known))
        if self.titles is not None:
            states, title = self.titles(tokens, token_mask)
            if isinstance(self.fusion, CrossModalTransformer):
                fused: Tensor = self.fusion(states, token_mask, frames, frame_mask)
                return fused
            modalities.append(title)
        if self.fusion is None:
            return modalities[0]
        joined: Tensor = self.fusion(modalities)
        return joined

    def _frame_encoder(self, columns: int) -> nn.Module:
        dim = self.config.frame_dim
        if self.config.frames == "next-vlad":
            return self._next_vlad(columns)
        return nn.Sequential(nn.Linear(columns, dim), nn.ReLU(), nn.Linear(dim, dim))

    def _next_vlad(self, columns: int) -> NeXtVLAD:
        config = self.config
        return NeXtVLAD(
            columns,
            config.frame_dim,
            expansion=config.expansion,
            num_groups=config.num_groups,
            num_clusters=config.num_clusters,
            dropout=config.dropout,
            batch_norm=config.batch_norm,
        )


def _where_any(encoded: Tensor, mask: Tensor) -> Tensor:
    """Return vectors of frames, (num_videos, dim); a video without frames has zeros, not the encoder's bias."""
    return encoded * mask.any(1, keepdim=True)


def build_text_encoder(config: TwinTowerConfig, num_pieces: int) -> TextEncoder | None:
    """Return the text encoder of the options: from a folder, or a BERT with random weights; None if titles are not read.

    Parameters
    ----------
    config : TwinTowerConfig
    num_pieces : int
        Size of the vocabulary of the BERT with random weights.

    Raises
    ------
    FileNotFoundError
        ``config.text_encoder`` is no folder.
    ImportError
        transformers is not installed.
    """
    if not config.title:
        return None
    if config.text_encoder is not None:
        return TextEncoder(config.text_encoder, pooling=config.pooling)
    need_transformers()
    from transformers import BertConfig

    size = BertConfig(
        vocab_size=num_pieces,
        hidden_size=config.text_dim,
        num_hidden_layers=config.text_layers,
        num_attention_heads=config.text_heads,
        intermediate_size=config.text_hidden,
        max_position_embeddings=config.max_tokens,
        hidden_dropout_prob=config.transformer_dropout,
        attention_probs_dropout_prob=config.transformer_dropout,
    )
    return TextEncoder(size, pooling=config.pooling)
