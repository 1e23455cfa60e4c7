"""Spatial warps that are the same for every frame of a clip: they change the scene and keep the motion."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from graphvid._checks import check_choice, check_count, check_number
from graphvid.nn.clip_layout import check_clips
from graphvid.nn.clip_transforms import check_shape

Rounding = Literal["bilinear", "trunc"]
_CENTER, _SHIFT, _MOST_ROUNDS = (0.27, 0.63), (0.045, 0.09), 3  # of RadialPush; 60..140 and 10..20 of 224 pixels


class SmoothWarpParams(NamedTuple):
    """Parameters of `SmoothWarp`.

    Parameters
    ----------
    offset : Tensor of float32, shape (B, grid * grid, 2)
        Movement (x, y) of every control point, in units in which the frame is [-1, 1] wide and high; points go row by row.
    """

    offset: Tensor


class SmoothWarp:
    """Warp all frames of a clip by one thin-plate spline with randomly moved control points.

    Parameters
    ----------
    grid : int, default 5
        Control points along each axis, 2 to 16, evenly from edge to edge.
    amplitude : float, default 0.1
        Largest movement along each axis, in units in which the frame is 2 wide and high; in [0, 1]. 0 is the identity.

    Raises
    ------
    ValueError
        A number out of its range.

    Notes
    -----
    Pixels are read bilinearly at the warped places, and beyond the border at the border. All frames have the same field, so
    the warp commutes with every change of the order of frames, and a still clip stays still.

    References
    ----------
    Wang et al., "Enhancing Unsupervised Video Representation Learning by Decoupling the Scene and the Motion", AAAI 2021;
    its code contains the spline but does not call it.
    """

    def __init__(self, grid: int = 5, amplitude: float = 0.1) -> None:
        self.grid = check_count("grid", grid, 2, 16)
        self.amplitude = check_number("amplitude", amplitude, "in [0, 1]", least=0, most=1)

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> SmoothWarpParams:
        """Draw the movements of the control points of every clip."""
        count = check_shape(shape)[0]
        return SmoothWarpParams(self.amplitude * (2 * torch.rand(count, self.grid**2, 2, generator=generator) - 1))

    def __call__(self, clips: Tensor, params: SmoothWarpParams) -> Tensor:
        """Return the warped clips."""
        check_clips("clips", clips)
        height, width = clips.shape[3:]
        basis = _spline_basis(self.grid, height, width).to(clips)
        field = (basis @ params.offset.to(clips)).view(-1, height, width, 2)
        return _read(clips, _pixel_centers(height, width).to(clips) + field, align_corners=False)


class RadialPushParams(NamedTuple):
    """Parameters of `RadialPush`.

    Parameters
    ----------
    center, shift : Tensor of float32, shape (B, 3, 2)
        (row, column) as shares of height and width; the shift has a sign.
    rounds : Tensor of int64, shape (B,)
        Number of pushes in use, 1 to 3: the first ones.
    """

    center: Tensor
    shift: Tensor
    rounds: Tensor


class RadialPush:
    r"""Push the pixels around one to three places, equally in all frames: the warp that the released code of DSM runs.

    Around a centre p with shift v, for a pixel r in the rows :math:`[p_0 - 3 |v_0|, p_0 + 3 |v_0|)` and the columns alike,

    .. math:: d = \lVert r - (p + v) \rVert, \quad w = \frac{0.5}{3 (d / \lVert v \rVert)^4 + 1},
              \quad \mathrm{source}(r) = r - w v,

    kept inside the frame. Centres are uniform in [.27, .63) of each side, shifts in [.045, .09).

    Parameters
    ----------
    rounding : {"bilinear", "trunc"}, default "bilinear"
        Bilinear reading; or, as released, centres and shifts in whole pixels, with :math:`-w v` truncated toward zero and the
        nearest pixel.

    Raises
    ------
    ValueError
        Another ``rounding``; frames of one row or column.

    Notes
    -----
    The released code shifts only toward positive coordinates and gives the whole batch the same parameters; here the signs
    and all parameters are random for each clip.

    References
    ----------
    Wang et al., AAAI 2021, released code.
    """

    def __init__(self, rounding: Rounding = "bilinear") -> None:
        check_choice("rounding", rounding, get_args(Rounding))
        self.rounding = rounding

    def sample(self, generator: torch.Generator, shape: Sequence[int]) -> RadialPushParams:
        """Draw the pushes of every clip."""
        count = check_shape(shape)[0]
        center, shift = torch.rand(2, count, _MOST_ROUNDS, 2, generator=generator)
        sign = 2 * torch.randint(2, shift.shape, generator=generator) - 1
        center = _CENTER[0] + (_CENTER[1] - _CENTER[0]) * center
        shift = sign * (_SHIFT[0] + (_SHIFT[1] - _SHIFT[0]) * shift)
        return RadialPushParams(center, shift, torch.randint(1, _MOST_ROUNDS + 1, (count,), generator=generator))

    def __call__(self, clips: Tensor, params: RadialPushParams) -> Tensor:
        """Return the pushed clips."""
        check_clips("clips", clips)
        if min(clips.shape[3:]) < 2:
            raise ValueError(f"frames must have at least 2 rows and columns, got {tuple(clips.shape[3:])}")
        dtype = torch.promote_types(clips.dtype, torch.float32)
        size = torch.tensor(clips.shape[3:], dtype=dtype, device=clips.device)
        center, shift = (x.to(clips.device, dtype) * size for x in (params.center, params.shift))
        if self.rounding == "trunc":
            center, shift = center.round(), shift.round()
        rounds = params.rounds.to(clips.device)
        pushed = clips
        for turn in range(int(params.rounds.max())):
            moves = _push_field(center[:, turn], shift[:, turn], size)
            moves = moves * (turn < rounds).view(-1, 1, 1, 1)
            pushed = _nearest(pushed, moves.trunc()) if self.rounding == "trunc" else _between(pushed, moves, size)
        return pushed


def _push_field(center: Tensor, shift: Tensor, size: Tensor) -> Tensor:
    """Return the offset of each pixel's source, (B, H, W, 2) as (row, column)."""
    height, width = (int(side) for side in size)
    rows = torch.arange(height, device=size.device, dtype=size.dtype)[:, None].expand(height, width)
    columns = torch.arange(width, device=size.device, dtype=size.dtype)[None, :].expand(height, width)
    place = torch.stack([rows, columns], dim=-1)  # (H, W, 2)
    center, shift = center[:, None, None], shift[:, None, None]  # (B, 1, 1, 2)
    reach = 3 * shift.abs()
    inside = ((place >= center - reach) & (place < center + reach)).all(-1, keepdim=True)
    ratio = (place - center - shift).square().sum(-1, keepdim=True) / shift.square().sum(-1, keepdim=True)
    weight = 0.5 / (3 * ratio.square() + 1)
    return torch.where(inside, -weight * shift, 0)


def _between(clips: Tensor, moves: Tensor, size: Tensor) -> Tensor:
    height, width = clips.shape[3:]
    rows = torch.arange(height, device=moves.device)[:, None] + moves[..., 0]
    columns = torch.arange(width, device=moves.device)[None, :] + moves[..., 1]
    grid = 2 * torch.stack([columns, rows], dim=-1) / (size.flip(0) - 1) - 1
    return _read(clips, grid.to(clips), align_corners=True)


def _nearest(clips: Tensor, moves: Tensor) -> Tensor:
    height, width = clips.shape[3:]
    rows = (torch.arange(height, device=moves.device)[:, None] + moves[..., 0].long()).clamp(0, height - 1)
    columns = (torch.arange(width, device=moves.device)[None, :] + moves[..., 1].long()).clamp(0, width - 1)
    place = (rows * width + columns).view(len(clips), 1, -1)
    return clips.flatten(1, 2).flatten(2).take_along_dim(place, 2).view(clips.shape)


def _read(clips: Tensor, grid: Tensor, *, align_corners: bool) -> Tensor:
    """Read all frames of a clip at the same places, (B, H, W, 2) as (x, y); frames count as channels."""
    frames = F.grid_sample(
        clips.flatten(1, 2), grid, mode="bilinear", padding_mode="border", align_corners=align_corners
    )
    return frames.view(clips.shape)


def _pixel_centers(height: int, width: int) -> Tensor:
    """Return (x, y) of the centre of every pixel where the frame is [-1, 1] wide and high, (H, W, 2)."""
    y, x = ((torch.arange(side, dtype=torch.float64) * 2 + 1) / side - 1 for side in (height, width))
    return torch.stack([x[None, :].expand(height, width), y[:, None].expand(height, width)], dim=-1)


@lru_cache(maxsize=8)
def _spline_basis(grid: int, height: int, width: int) -> Tensor:
    """Return the matrix from moves of control points to those of pixels, float64 (H * W, grid * grid)."""
    side = torch.linspace(-1, 1, grid, dtype=torch.float64)
    points = torch.stack([side.repeat(grid), side.repeat_interleave(grid)], dim=1)  # (x, y), row by row
    count = len(points)
    system = torch.zeros(count + 3, count + 3, dtype=torch.float64)
    system[:count, :count] = _kernel(points, points)
    system[:count, count] = system[count, :count] = 1
    system[:count, count + 1 :] = points
    system[count + 1 :, :count] = points.T
    centers = _pixel_centers(height, width).view(-1, 2)
    values = torch.cat([_kernel(centers, points), torch.ones(len(centers), 1, dtype=torch.float64), centers], dim=1)
    basis: Tensor = torch.linalg.solve(system, values, left=False)
    return basis[:, :count]


def _kernel(places: Tensor, points: Tensor) -> Tensor:
    """Return r^2 log r for all distances."""
    square = (places[:, None] - points[None, :]).square().sum(-1)
    return torch.xlogy(square, square) / 2
