"""A classifier whose scores are cosines to a learned prototype of each class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from graphvid._checks import check_number
from graphvid.nn._shapes import check_width


class CosineClassifier(nn.Module):
    r"""Score vectors by their cosines to learned prototypes: :math:`s (\cos(x, w_c) - m [c = y])`.

    Parameters
    ----------
    dim, num_classes : int
        Columns of the vectors, and prototypes, 2 at least.
    scale : float, default 16.0
        :math:`s > 0`, an inverse temperature.
    margin : float, default 0.0
        :math:`m \ge 0`, subtracted from the true class's cosine if labels are given (CosFace).

    Raises
    ------
    ValueError
        An argument is outside its range.

    References
    ----------
    Wang et al., CosFace: Large Margin Cosine Loss for Deep Face Recognition, CVPR 2018.

    Examples
    --------
    >>> classifier = CosineClassifier(2, 2, scale=2.0)
    >>> _ = classifier.prototypes.data.copy_(torch.eye(2))
    >>> classifier(torch.tensor([[3.0, 0.0]])).tolist()
    [[2.0, 0.0]]
    """

    def __init__(self, dim: int, num_classes: int, *, scale: float = 16.0, margin: float = 0.0) -> None:
        super().__init__()
        check_width("dim", dim)
        if check_width("num_classes", num_classes) < 2:
            raise ValueError(f"num_classes must be at least 2, got {num_classes}")
        self.scale = check_number("scale", scale, "a finite float > 0", least=5e-324)
        self.margin = check_number("margin", margin, "a finite float >= 0", least=0)
        self.prototypes = nn.Parameter(torch.empty(num_classes, dim))
        nn.init.xavier_normal_(self.prototypes)

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the logits, (batch, num_classes), of vectors (batch, dim); labels (batch,) subtract the margin."""
        cosines = normalize(x, dim=1, eps=1e-12) @ normalize(self.prototypes, dim=1, eps=1e-12).T
        if labels is not None and self.margin:
            cosines = cosines - self.margin * torch.nn.functional.one_hot(labels, len(self.prototypes))
        return self.scale * cosines
