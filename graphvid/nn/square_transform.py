"""Transforms of square clips and of their maps by flips and quarter turns, which form a finite group."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from graphvid._checks import check_choice, check_ids
from graphvid.nn.clip_layout import check_clips
from graphvid.nn.clip_transforms import check_shape

SquareGroup = Literal["square8", "square8xtime"]
_TIME, _ROWS, _COLUMNS = 2, 3, 4  # axes of (B, C, T, H, W)
# of every code: the axes that are flipped, then the quarter turns against the clock
_SQUARE8: tuple[tuple[tuple[int, ...], int], ...] = (
    ((_ROWS,), 0),
    ((_COLUMNS,), 0),
    ((), 1),
    ((), 2),
    ((), 3),
    ((_ROWS,), 1),
    ((_COLUMNS,), 1),
    ((), 0),
)
_FLIPS: tuple[tuple[int, ...], ...] = ((), (_COLUMNS,), (_TIME,), (_TIME, _COLUMNS))
_ELEMENTS = {"square8": _SQUARE8, "square8xtime": tuple((flip, turns) for flip in _FLIPS for turns in range(4))}


class SquareParams(NamedTuple):
    """Parameters of `SquareTransform`.

    Parameters
    ----------
    code : Tensor of int64, shape (B,)
        Element of the group.
    """

    code: Tensor


class SquareTransform:
    """One element of a group of flips and quarter turns for every clip.

    Turns are against the clock, as NumPy's ``rot90`` on (H, W). The same code acts on a feature map.

    Parameters
    ----------
    group : {"square8", "square8xtime"}, default "square8"
        "square8": 0 flips rows (upside down), 1 flips columns, 2, 3 and 4 turn by 90, 180 and 270 degrees, 5 flips rows
        and turns by 90, 6 flips columns and turns by 90, 7 is the identity.
        "square8xtime": ``4 * flip + turns`` with flip 0 none, 1 columns, 2 time, 3 both; 16 elements, 0 is the identity.
    codes : sequence of int, optional
        The codes to draw from. Default: all. Leave out turns or time flips if direction matters: with exact agreement of maps,
        the pooled feature of a clip equals that of its transforms.

    Raises
    ------
    ValueError
        Another group, no code, a code twice or outside the group; clips or maps that are not square, for every code.

    Notes
    -----
    The published code ignores the flips of the 16 elements, so that 4 remain; here all are distinct.

    References
    ----------
    "Self-supervised learning using consistency regularization of spatio-temporal data augmentation for action
    recognition", arXiv 2008.02086.

    Examples
    --------
    >>> turn = SquareTransform()
    >>> turn(torch.arange(4.0).view(1, 1, 1, 2, 2), SquareParams(torch.tensor([2]))).flatten().tolist()
    [1.0, 3.0, 0.0, 2.0]
    >>> turn.inverse(2), turn.compose(2, 2)
    (4, 3)
    """

    def __init__(self, group: SquareGroup = "square8", codes: Sequence[int] | None = None) -> None:
        check_choice("group", group, get_args(SquareGroup))
        self.group = group
        self._elements = _ELEMENTS[group]
        self.codes = tuple(range(self.num_codes)) if codes is None else tuple(int(code) for code in codes)
        if (
            not self.codes
            or len(set(self.codes)) < len(self.codes)
            or not set(self.codes) <= set(range(self.num_codes))
        ):
            raise ValueError(f"codes must be distinct integers in [0, {self.num_codes}), at least one, got {codes}")

    @property
    def num_codes(self) -> int:
        """Elements of the group, 8 or 16."""
        return len(self._elements)

    @property
    def identity(self) -> int:
        """The code that changes nothing."""
        return self._elements.index(((), 0))

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> SquareParams:
        """Draw one of ``codes`` for each clip."""
        size = check_shape(shape)
        _check_square(size)
        return SquareParams(torch.tensor(self.codes)[torch.randint(len(self.codes), size[:1], generator=generator)])

    def __call__(self, clips: Tensor, params: SquareParams) -> Tensor:
        """Return the transformed clips, or maps, of shape (B, C, T, H, W)."""
        check_clips("clips", clips)
        _check_square(clips.shape)
        check_ids("params.code", params.code, self.num_codes)
        if params.code.shape != clips.shape[:1]:
            raise ValueError(f"params.code must have shape ({len(clips)},), got {tuple(params.code.shape)}")
        places, backwards = _places(self.group, clips.shape[3])
        code = params.code.cpu()
        place = places[code].to(clips.device)[:, None, None]
        pixels = clips.flatten(3)
        turned = pixels.gather(3, place.expand_as(pixels)).view_as(clips)
        reversed_ = backwards[code].to(clips.device)
        return torch.where(reversed_.view(-1, 1, 1, 1, 1), turned.flip(_TIME), turned) if backwards.any() else turned

    def inverse(self, code: int) -> int:
        """Return the code that undoes ``code``."""
        return next(other for other in range(self.num_codes) if self.compose(other, code) == self.identity)

    def compose(self, second: int, first: int) -> int:
        """Return the code of ``second`` after ``first``."""
        for code in (second, first):
            if not 0 <= code < self.num_codes:
                raise ValueError(f"codes must be in [0, {self.num_codes}), got {code}")
        corners = torch.arange(8).view(1, 1, 2, 2, 2)  # on which the group acts faithfully
        elements = self._elements
        target = _acted(_acted(corners, *elements[first]), *elements[second])
        return next(code for code, element in enumerate(elements) if torch.equal(_acted(corners, *element), target))


def _acted(clips: Tensor, flips: tuple[int, ...], turns: int) -> Tensor:
    return torch.rot90(clips.flip(flips), turns, (_ROWS, _COLUMNS))


@lru_cache(maxsize=16)
def _places(group: SquareGroup, side: int) -> tuple[Tensor, Tensor]:
    """Return, by code, the source place of each pixel of a transformed frame, and whether time runs backwards."""
    frame = torch.arange(side * side).view(1, 1, 1, side, side)
    elements = _ELEMENTS[group]
    places = torch.stack([_acted(frame, *element).flatten() for element in elements])
    return places, torch.tensor([_TIME in flips for flips, _ in elements])


def _check_square(shape: Sequence[int]) -> None:
    if shape[3] != shape[4]:
        raise ValueError(f"clips must be square for flips and quarter turns, got {shape[3]} x {shape[4]}")
