"""Encoders of titles by a BERT of `transformers`, from a folder, a module or a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch
from torch import Tensor, nn

from graphvid._transformers import need_transformers
from graphvid.nn.cross_modal import FramePositions, masked_mean

if TYPE_CHECKING:
    from transformers import PretrainedConfig

Pooling = Literal["pooler", "mean", "cls"]


class TextEncoder(nn.Module):
    """Encode word pieces with a transformer.

    Parameters
    ----------
    source : path-like, nn.Module or PretrainedConfig
        A folder with a model of `transformers`; a module with the interface of ``BertModel``; or a configuration for a model
        with random weights.
    pooling : {"pooler", "mean", "cls"}, default "pooler"
        The vector of a text: BERT's pooled output, the mean of the states of its word pieces, or the state of [CLS].
    allow_download : bool, default False
        Use ``source`` as the name of a model on a hub if it is no folder. If False, nothing is ever downloaded.

    Attributes
    ----------
    dim : int
        Columns of states and vectors.

    Raises
    ------
    FileNotFoundError
        ``source`` is no folder, and ``allow_download`` is false; names it.
    ImportError
        transformers is not installed.
    ValueError
        Another pooling, or ``"pooler"`` for a model that has none.

    Examples
    --------
    >>> from transformers import BertConfig
    >>> small = BertConfig(vocab_size=50, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16)
    >>> encoder = TextEncoder(small)
    >>> states, vector = encoder(torch.tensor([[2, 7, 3]]), torch.ones(1, 3, dtype=torch.bool))
    >>> states.shape, vector.shape
    (torch.Size([1, 3, 8]), torch.Size([1, 8]))
    """

    def __init__(
        self,
        source: str | Path | nn.Module | PretrainedConfig,
        *,
        pooling: Pooling = "pooler",
        allow_download: bool = False,
    ) -> None:
        super().__init__()
        if pooling not in get_args(Pooling):
            raise ValueError(f"pooling must be one of {list(get_args(Pooling))}, got {pooling!r}")
        model: Any = source if isinstance(source, nn.Module) else _load(source, allow_download)  # has a config
        self.model = model
        self.pooling = pooling
        if pooling == "pooler" and getattr(model, "pooler", None) is None:
            raise ValueError(f"pooling must not be 'pooler' for a {type(model).__name__} without one")
        self.dim = int(model.config.hidden_size)

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Encode texts.

        Parameters
        ----------
        ids : Tensor of int, shape (num_texts, num_tokens)
        mask : Tensor of bool, shape (num_texts, num_tokens)

        Returns
        -------
        states : Tensor, shape (num_texts, num_tokens, dim)
        vector : Tensor, shape (num_texts, dim)
        """
        found = self.model(input_ids=ids.long(), attention_mask=mask.long())
        states: Tensor = found.last_hidden_state
        if self.pooling == "mean":
            return states, masked_mean(states, mask)
        return states, states[:, 0] if self.pooling == "cls" else found.pooler_output


class OneStreamTransformer(nn.Module):
    """Run one BERT over the word pieces of a title followed by the frames of the video.

    Frames are mapped to the encoder's columns and normalised; they have position 0 and token type 1. The title keeps its own
    positions and types. The mean over all places is mapped to ``out_dim``.

    Parameters
    ----------
    text : TextEncoder
        Encoder with a model like BERT, with at least two token types.
    frame_dim : int
        Columns of a frame.
    out_dim : int, default 256
    num_positions : int, default 0
        Learned positions of frames; 0: none.

    Raises
    ------
    ValueError
        A model with one token type.

    Notes
    -----
    Attention knows the order only by positions, so frames may follow the title: the sequence is [CLS] title [SEP] frames; the
    rank-1 team has [CLS] frames [SEP] title [SEP].

    References
    ----------
    Solution of rank 1 of the QQ Browser 2021 AI contest, track 1: its best single model.
    """

    def __init__(self, text: TextEncoder, frame_dim: int, out_dim: int = 256, *, num_positions: int = 0) -> None:
        super().__init__()
        types = int(getattr(text.model.config, "type_vocab_size", 0))
        if types < 2:
            raise ValueError(f"text must have two token types, one for frames, got a model with {types}")
        self.text = text
        self.project = nn.Linear(frame_dim, text.dim)
        self.positions = FramePositions(num_positions, text.dim) if num_positions else None
        self.norm = nn.LayerNorm(text.dim)
        self.head = nn.Linear(text.dim, out_dim)

    def forward(self, ids: Tensor, text_mask: Tensor, frames: Tensor, frame_mask: Tensor) -> Tensor:
        """Encode videos.

        Parameters
        ----------
        ids : Tensor of int, shape (num_videos, num_tokens)
        text_mask : Tensor of bool, shape (num_videos, num_tokens)
        frames : Tensor, shape (num_videos, num_frames, frame_dim)
        frame_mask : Tensor of bool, shape (num_videos, num_frames)

        Returns
        -------
        Tensor, shape (num_videos, out_dim)
        """
        seen = self.project(frames)
        if self.positions is not None:
            seen = self.positions(seen)
        words = self.text.model.get_input_embeddings()(ids.long())
        inputs = torch.cat([words, self.norm(seen)], dim=1)
        mask = torch.cat([text_mask, frame_mask], dim=1)
        place = torch.arange(ids.shape[1], device=ids.device)
        position = torch.cat([place, place.new_zeros(frames.shape[1])]).expand(len(ids), -1)
        kind = torch.cat([torch.zeros_like(text_mask), torch.ones_like(frame_mask)], dim=1).long()
        found = self.text.model(
            inputs_embeds=inputs, attention_mask=mask.long(), position_ids=position, token_type_ids=kind
        )
        embedded: Tensor = self.head(masked_mean(found.last_hidden_state, mask))
        return embedded


def _load(source: str | Path | PretrainedConfig, allow_download: bool) -> nn.Module:
    need_transformers()
    from transformers import AutoModel, PretrainedConfig

    if isinstance(source, PretrainedConfig):
        built: nn.Module = AutoModel.from_config(source)
        return built
    if not Path(source).is_dir() and not allow_download:
        raise FileNotFoundError(
            f"text encoder {source} not found: expected a folder with a model of transformers; nothing is downloaded "
            "unless allow_download=True"
        )
    model: nn.Module = AutoModel.from_pretrained(str(source), local_files_only=not allow_download)
    return model.train()  # transformers loads a model in evaluation mode, in which dropout is off
