"""A pair of encoders for momentum contrast: a trained query encoder, and a key encoder that follows it slowly."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from graphvid._checks import check_choice, check_number

KeyBatchNorm = Literal["train", "eval"]


class MomentumPair(nn.Module):
    r"""Two encoders of one form, :math:`\theta_k \leftarrow m \theta_k + (1 - m) \theta_q` after every step.

    Parameters
    ----------
    encoder : Module
        The query encoder; the key encoder starts as its copy.
    momentum : float, default 0.999
        m in [0, 1]. 0 copies, 1 never moves.
    key_batch_norm : {"train", "eval"}, default "train"
        "train": batch norm of the key encoder uses the statistics of its own batch, as in the released code; "eval": the
        running statistics, which `update` copies from the query encoder.

    Attributes
    ----------
    query, key : Module
        Parameters of ``key`` take no gradient.

    Raises
    ------
    TypeError
        ``encoder`` is not a Module.
    ValueError
        A momentum outside [0, 1], another ``key_batch_norm``, an encoder without parameters.

    Notes
    -----
    Buffers, such as running statistics and integer counters, are copied, not averaged; the released code does not change
    those of the key encoder. With one encoder for both sides (SimCLR, triplets) no pair is needed.

    References
    ----------
    He et al., "Momentum Contrast for Unsupervised Visual Representation Learning", CVPR 2020.

    Examples
    --------
    >>> pair = MomentumPair(nn.Linear(1, 1, bias=False), momentum=0.75)
    >>> with torch.no_grad():
    ...     _ = pair.query.weight.fill_(1.0), pair.key.weight.fill_(0.0)
    >>> pair.update()
    >>> pair.key.weight.item(), pair.key.weight.requires_grad
    (0.25, False)
    """

    def __init__(self, encoder: nn.Module, momentum: float = 0.999, *, key_batch_norm: KeyBatchNorm = "train") -> None:
        super().__init__()
        if not isinstance(encoder, nn.Module):
            raise TypeError(f"encoder must be a Module, got {type(encoder).__name__}")
        if not any(True for _ in encoder.parameters()):
            raise ValueError("encoder must have parameters, got none")
        self.momentum = check_number("momentum", momentum, "in [0, 1]", least=0, most=1)
        check_choice("key_batch_norm", key_batch_norm, get_args(KeyBatchNorm))
        self.key_batch_norm = key_batch_norm
        self.query = encoder
        self.key = deepcopy(encoder).requires_grad_(False)
        self.train(encoder.training)

    def train(self, mode: bool = True) -> MomentumPair:
        """Set both encoders to training or not; the key's batch norm by ``key_batch_norm``."""
        super().train(mode)
        if self.key_batch_norm == "eval":
            for module in self.key.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()
        return self

    def encode_key(self, clips: Tensor) -> Any:  # Any: whatever the encoder gives
        """Return the key encoder's output, without a gradient."""
        with torch.no_grad():
            return self.key(clips)

    @torch.no_grad()
    def update(self) -> None:
        """Move the key encoder towards the query encoder and copy the buffers; call it once a step, before computing keys.

        Raises
        ------
        RuntimeError
            The encoders no longer have the same parameters or buffers, by name and shape.
        """
        for kind in ("named_parameters", "named_buffers"):
            source, target = dict(getattr(self.query, kind)()), dict(getattr(self.key, kind)())
            if {n: x.shape for n, x in source.items()} != {n: x.shape for n, x in target.items()}:
                raise RuntimeError(f"query and key must have the same {kind.removeprefix('named_')} by name and shape")
            for name, value in target.items():
                if kind == "named_parameters":
                    value.mul_(self.momentum).add_(source[name], alpha=1 - self.momentum)
                else:
                    value.copy_(source[name])
