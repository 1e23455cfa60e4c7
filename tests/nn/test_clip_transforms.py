"""Transforms of clips: oracles in NumPy, the rules that they promise, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.interpolate import RBFInterpolator

from graphvid.nn import (
    Appearance,
    CropJitter,
    FrameEdit,
    FrameOrder,
    FrameShuffle,
    OtherSegment,
    RadialPush,
    RadialPushParams,
    Reverse,
    SegmentShuffle,
    SmoothWarp,
    SmoothWarpParams,
    SquareParams,
    SquareTransform,
    StaticLayerSwap,
    StaticMix,
    StaticMixParams,
    count_starts,
    fit_tca,
    order_similarity,
    sample_starts,
    static_layer,
)

ALL = [
    CropJitter(),
    StaticMix(),
    StaticMix(source="batch"),
    StaticLayerSwap(),
    SmoothWarp(),
    RadialPush(),
    RadialPush("trunc"),
    FrameEdit(),
    FrameShuffle(),
    SegmentShuffle(5),
    Reverse(),
    SquareTransform(),
    SquareTransform("square8xtime"),
    Appearance(lambda frames: frames + torch.rand(1)),
]
ORDERS = [FrameEdit(), FrameEdit(3), FrameShuffle(), SegmentShuffle(9), Reverse()]
WARPS = [SmoothWarp(), RadialPush(), RadialPush("trunc")]


def names(transforms):
    return [f"{type(transform).__name__}-{i}" for i, transform in enumerate(transforms)]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def clips():
    return torch.rand(5, 2, 8, 12, 12, generator=generator(), dtype=torch.float64)


@pytest.mark.parametrize("transform", ALL, ids=names(ALL))
def test_contract(transform, clips):
    before = clips.clone()
    params = transform.sample(generator(1), clips.shape)
    assert all(isinstance(part, torch.Tensor) and len(part) == 5 for part in params)
    changed = transform(clips, params)
    assert changed.shape == clips.shape
    assert changed.dtype == clips.dtype
    assert torch.equal(clips, before)  # nothing is written in place
    assert torch.equal(transform(clips, params), changed)  # all chance is in the parameters
    again = transform.sample(generator(1), clips.shape)
    assert all(torch.equal(a, b) for a, b in zip(params, again))
    if not isinstance(transform, Reverse):
        other = transform.sample(generator(2), clips.shape)
        assert any(not torch.equal(a, b) for a, b in zip(params, other))
    single = transform(clips.float(), params)
    torch.testing.assert_close(single.double(), changed, atol=1e-5, rtol=0)
    leaf = clips.clone().requires_grad_()
    transform(leaf, params).sum().backward()
    assert leaf.grad is not None
    with pytest.raises(TypeError, match="clips must be floating point"):
        transform(clips.to(torch.uint8), params)
    with pytest.raises(ValueError, match=r"clips must have shape \(B, C, T, H, W\)"):
        transform(clips[0], params)
    with pytest.raises(ValueError, match=r"shape must be \(B, C, T, H, W\)"):
        transform.sample(generator(), clips.shape[1:])


# -- the static layer


@pytest.mark.parametrize("transform", [StaticMix(0.9), StaticMix(0.9, source="batch"), StaticLayerSwap()])
def test_every_difference_in_time_is_scaled(transform, clips):
    params = transform.sample(generator(3), clips.shape)
    scale = 1 - params.lam.double() if isinstance(transform, StaticMix) else torch.ones(5, dtype=torch.float64)
    changed = transform(clips, params)
    for order in range(1, 8):
        expected = scale.view(-1, 1, 1, 1, 1) * clips.diff(n=order, dim=2)
        torch.testing.assert_close(changed.diff(n=order, dim=2), expected, atol=1e-10, rtol=0)
    fit = fit_tca(lambda x: transform(x, params), clips)
    torch.testing.assert_close(fit.scale, scale)
    assert fit.residual.max() < 1e-12


def test_what_breaks_the_rule_is_seen(clips):
    skip_mix = fit_tca(lambda x: 0.7 * x + 0.3 * x.roll(-4, 2), clips)
    clipped = fit_tca(lambda x: (2 * x).clamp(0, 1), clips)
    for fit in (skip_mix, clipped):
        assert (fit.residual > 0.05).all()
    still = fit_tca(lambda x: x + 1, clips[:, :, :1].expand_as(clips))
    assert still.scale.isnan().all()
    assert not still.residual.any()
    with pytest.raises(ValueError, match="at least 2 frames"):
        fit_tca(lambda x: x, clips[:, :, :1])
    with pytest.raises(ValueError, match="function must give clips of shape"):
        fit_tca(lambda x: x[:1], clips)


def test_static_mix_has_fixed_points(clips):
    params = StaticMix().sample(generator(), clips.shape)
    mixed = StaticMix()(clips, params)
    for row, frame in enumerate(params.frame.tolist()):
        torch.testing.assert_close(mixed[row, :, frame], clips[row, :, frame])
    still = clips[:, :, :1].expand_as(clips).contiguous()
    torch.testing.assert_close(StaticMix()(still, params), still)
    assert (StaticMix(source="batch")(still, StaticMix(source="batch").sample(generator(), still.shape)) != still).any()


@pytest.mark.parametrize("source", ["self", "batch"])
def test_static_mix_against_numpy(source, clips):
    transform = StaticMix(0.9, source=source)
    params = transform.sample(generator(4), clips.shape)
    x, got = clips.numpy(), transform(clips, params).numpy()
    for row in range(5):
        lam, still = float(params.lam[row]), x[params.source[row], :, params.frame[row]]
        for t in range(8):
            np.testing.assert_allclose(got[row, :, t], (1 - lam) * x[row, :, t] + lam * still)


def test_draws_of_static_mix():
    shape = (4000, 1, 4, 1, 1)
    params = StaticMix(0.3, source="batch").sample(generator(), shape)
    assert 0 <= params.lam.min() < 0.001 < 0.299 < params.lam.max() < 0.3
    assert np.bincount(params.frame).min() > 900
    assert (params.source != torch.arange(4000)).all()
    draws = torch.stack([StaticMix(source="batch").sample(generator(i), (3, 1, 4, 1, 1)).source for i in range(300)])
    assert (draws == torch.tensor([1, 2, 0])).float().mean(0).sub(0.5).abs().max() < 0.1  # each other as often
    assert torch.equal(StaticMix().sample(generator(), shape).source, torch.arange(4000))
    assert len(StaticMix(per_sample=False).sample(generator(), shape).lam.unique()) == 1
    assert not StaticMix(0.0).sample(generator(), shape).lam.any()


def test_static_layer_swap_against_numpy(clips):
    for frames in (7, 8):
        x = clips[:, :, :frames]
        params = StaticLayerSwap().sample(generator(), x.shape)
        middle = np.median(x.numpy(), axis=2)
        np.testing.assert_allclose(static_layer(x), middle)
        expected = x.numpy() - middle[:, :, None] + middle[params.source][:, :, None]
        np.testing.assert_allclose(StaticLayerSwap()(x, params), expected)
        torch.testing.assert_close(static_layer(StaticLayerSwap()(x, params)), static_layer(x)[params.source])


def test_static_refusals(clips):
    for bad in (1.0, -0.1, 2, float("nan")):
        with pytest.raises(ValueError, match=r"lam_max must be in \[0, 1\)"):
            StaticMix(bad)
    with pytest.raises(ValueError, match="source must be one of"):
        StaticMix(source="next")
    with pytest.raises(ValueError, match="at least 2 frames"):
        StaticMix().sample(generator(), (2, 1, 1, 4, 4))
    for transform in (StaticMix(source="batch"), StaticLayerSwap()):
        with pytest.raises(ValueError, match="at least 2 clips to take from another, got 1"):
            transform.sample(generator(), (1, 1, 4, 4, 4))
    wrong = StaticMixParams(torch.full((5,), 1.0), torch.zeros(5, dtype=torch.int64), torch.arange(5))
    with pytest.raises(ValueError, match=r"params.lam must be in \[0, 1\)"):
        StaticMix()(clips, wrong)


# -- warps


@pytest.mark.parametrize("warp", WARPS, ids=names(WARPS))
@pytest.mark.parametrize("order", ORDERS, ids=names(ORDERS))
def test_warps_commute_with_every_order_of_frames(warp, order):
    clips = torch.rand(3, 2, 9, 12, 14, generator=generator(5))
    space, time = warp.sample(generator(6), clips.shape), order.sample(generator(7), clips.shape)
    assert torch.equal(warp(order(clips, time), space), order(warp(clips, space), time))


@pytest.mark.parametrize("warp", WARPS, ids=names(WARPS))
def test_a_still_clip_stays_still(warp, clips):
    still = clips[:, :, :1].expand_as(clips)
    warped = warp(still, warp.sample(generator(), clips.shape))
    assert torch.equal(warped, warped[:, :, :1].expand_as(warped))
    if warp is not WARPS[2]:  # which rounds small shifts to nothing
        assert (warped != still).any()


def test_smooth_warp_without_amplitude_is_the_identity(clips):
    params = SmoothWarp(amplitude=0.0).sample(generator(), clips.shape)
    torch.testing.assert_close(SmoothWarp()(clips, params), clips)


def test_smooth_warp_is_scipys_thin_plate_spline():
    """A clip whose values are its own coordinates, linear, so that bilinear reading is exact inside the frame."""
    height, width = 10, 14
    offset = 0.05 * (2 * torch.rand(1, 9, 2, generator=generator(8), dtype=torch.float64) - 1)
    y, x = np.meshgrid(*((2 * np.arange(side) + 1) / side - 1 for side in (height, width)), indexing="ij")
    clip = torch.tensor(np.stack([x, y])[None, :, None])  # (1, 2, 1, H, W)
    warped = SmoothWarp(grid=3)(clip, SmoothWarpParams(offset))[0, :, 0]
    points = np.array([(px, py) for py in (-1, 0, 1) for px in (-1, 0, 1)], dtype=float)
    spline = RBFInterpolator(points, offset[0].numpy(), kernel="thin_plate_spline", degree=1)
    places = np.stack([x, y], axis=-1)
    expected = places + spline(places.reshape(-1, 2)).reshape(height, width, 2)
    inner = np.s_[2:-2, 2:-2]
    np.testing.assert_allclose(warped[0].numpy()[inner], expected[..., 0][inner], atol=1e-9)
    np.testing.assert_allclose(warped[1].numpy()[inner], expected[..., 1][inner], atol=1e-9)


def push_slowly(frame, pushes):
    """The released loops, out of place: rounds of truncated moves of whole pixels."""
    height, width = frame.shape
    for p0, p1, v0, v1 in pushes:
        pushed = frame.copy()
        for i in range(max(0, p0 - 3 * abs(v0)), min(height, p0 + 3 * abs(v0))):
            for j in range(max(0, p1 - 3 * abs(v1)), min(width, p1 + 3 * abs(v1))):
                distance = np.hypot(i - (p0 + v0), j - (p1 + v1))
                w = 0.5 / (3 * (distance / np.hypot(v0, v1)) ** 4 + 1)
                row = min(max(i + int(-w * v0), 0), height - 1)
                column = min(max(j + int(-w * v1), 0), width - 1)
                pushed[i, j] = frame[row, column]
        frame = pushed
    return frame


def test_radial_push_is_the_released_loop():
    rng = np.random.default_rng(0)
    clips = torch.tensor(rng.random((2, 1, 1, 64, 80)))
    center, shift = rng.integers(17, 40, (2, 3, 2)), rng.integers(6, 12, (2, 3, 2))
    shift[1] *= -1
    size = np.array([64, 80])
    params = RadialPushParams(torch.tensor(center / size), torch.tensor(shift / size), torch.tensor([3, 2]))
    got = RadialPush("trunc")(clips, params)
    for row, rounds in enumerate((3, 2)):
        pushes = [(*center[row, i], *shift[row, i]) for i in range(rounds)]
        expected = push_slowly(clips[row, 0, 0].numpy(), pushes)
        np.testing.assert_array_equal(got[row, 0, 0], expected)
        assert (expected != clips[row, 0, 0].numpy()).mean() > 0.05


def test_radial_push_between_pixels():
    """On values that are their own coordinates, the push gives the places that are read."""
    i, j = np.meshgrid(np.arange(64.0), np.arange(80.0), indexing="ij")
    clip = torch.tensor(np.stack([i, j])[None, :, None])
    center, shift = np.array([30.0, 36.0]), np.array([5.0, -6.5])
    fill = torch.zeros(1, 3, 2, dtype=torch.float64)
    params = RadialPushParams(
        fill + torch.tensor(center / [64, 80]), fill + torch.tensor(shift / [64, 80]), torch.tensor([1])
    )
    got = RadialPush()(clip, params)[0, :, 0].numpy()
    inside = (np.abs(i - center[0] + 1e-9) <= 15) & (np.abs(j - center[1] + 1e-9) <= 19.5)
    d = np.hypot(i - center[0] - shift[0], j - center[1] - shift[1]) / np.hypot(*shift)
    w = np.where(inside, 0.5 / (3 * d**4 + 1), 0)
    np.testing.assert_allclose(got[0], i - w * shift[0], atol=1e-6)
    np.testing.assert_allclose(got[1], j - w * shift[1], atol=1e-6)


def test_draws_of_radial_push():
    params = RadialPush().sample(generator(), (3000, 1, 2, 8, 8))
    assert 0.27 <= params.center.min() < 0.271 < 0.629 < params.center.max() <= 0.63
    assert 0.045 <= params.shift.abs().min() < 0.0451 < 0.0899 < params.shift.abs().max() <= 0.09
    assert abs(float((params.shift > 0).float().mean()) - 0.5) < 0.02
    assert np.bincount(params.rounds)[1:].min() > 900
    with pytest.raises(ValueError, match="at least 2 rows and columns"):
        RadialPush()(torch.rand(1, 1, 2, 1, 8), RadialPush().sample(generator(), (1, 1, 2, 1, 8)))
    with pytest.raises(ValueError, match="rounding must be one of"):
        RadialPush("nearest")
    for wrong in ({"grid": 1}, {"amplitude": -0.1}, {"amplitude": 1.1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            SmoothWarp(**wrong)


# -- orders of frames


@pytest.mark.parametrize("order", ORDERS, ids=names(ORDERS))
@pytest.mark.parametrize("frames", [2, 3, 9, 16, 19, 31])
def test_orders_are_unlike_the_old_one(order, frames):
    if isinstance(order, SegmentShuffle):
        order = SegmentShuffle((frames + 3) // 2 if frames > 2 else 2)
    index = order.sample(generator(frames), (50, 1, frames, 2, 2)).index
    assert index.shape == (50, frames)
    for row in index.tolist():
        kept = sum(b == a + 1 for a, b in itertools.pairwise(row))
        assert kept / (frames - 1) <= 0.5
        if not isinstance(order, FrameEdit):
            assert sorted(row) == list(range(frames))
        assert min(row) >= 0
        assert max(row) < frames


def test_frames_are_gathered(clips):
    index = torch.stack([torch.randint(8, (8,), generator=generator(i)) for i in range(5)])
    got = Reverse()(clips, FrameOrder(index))
    for row, t in itertools.product(range(5), range(8)):
        assert torch.equal(got[row, :, t], clips[row, :, index[row, t]])
    assert torch.equal(Reverse()(clips, Reverse().sample(generator(), clips.shape)), clips.flip(2))


def test_edits_are_insertions_and_swaps():
    """With one round and no bar, every order is one edit away from the old one."""
    frames = 6
    possible = set()
    for i, j in itertools.product(range(frames), repeat=2):
        old = list(range(frames))
        possible.add((*old[:i], old[j], *old[i:-1]))
        old[i], old[j] = old[j], old[i]
        possible.add(tuple(old))
    index = FrameEdit(1, 0.99).sample(generator(), (2000, 1, frames, 1, 1)).index
    found = {tuple(row) for row in index.tolist()}
    one_edit = {row for row in possible if row != tuple(range(frames))}
    assert found >= one_edit  # and those that needed a second edit, because the first changed nothing


def test_segments_stay_whole():
    index = SegmentShuffle(5).sample(generator(), (200, 1, 8, 1, 1)).index
    segments = [np.flatnonzero(np.arange(8) * 5 // 8 == s).tolist() for s in range(5)]
    assert sorted(len(s) for s in segments) == [1, 1, 2, 2, 2]
    for row in index.tolist():
        for segment in segments:
            at = row.index(segment[0])
            assert row[at : at + len(segment)] == segment


def test_order_similarity():
    index = torch.tensor([[0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 3, 0], [0, 0, 1, 1]])
    torch.testing.assert_close(order_similarity(index), torch.tensor([1.0, 0.0, 2 / 3, 1 / 3]))
    with pytest.raises(ValueError, match="at least 2 frames"):
        order_similarity(torch.tensor([[0]]))


@pytest.mark.parametrize("order", ORDERS, ids=names(ORDERS))
def test_one_frame_has_no_other_order(order):
    with pytest.raises(ValueError, match="at least 2 frames"):
        order.sample(generator(), (2, 1, 1, 4, 4))


def test_order_refusals(clips):
    for make in (FrameEdit, FrameShuffle, lambda **o: SegmentShuffle(4, **o)):
        with pytest.raises(ValueError, match="max_similarity must be in"):
            make(max_similarity=1)
    with pytest.raises(ValueError, match="num_segments must be at most the 4 frames"):
        SegmentShuffle(5).sample(generator(), (1, 1, 4, 1, 1))
    with pytest.raises(ValueError, match=r"num_segments must be larger: 4 segments of 8 frames .* of 0\.57"):
        SegmentShuffle(4).sample(generator(), (1, 1, 8, 1, 1))
    SegmentShuffle(4, max_similarity=0.6).sample(generator(), (1, 1, 8, 1, 1))
    for index, match in [(torch.full((5, 8), 8), "must lie in"), (torch.zeros(5, 7, dtype=torch.int64), "shape")]:
        with pytest.raises(ValueError, match=match):
            Reverse()(clips, FrameOrder(index))


# -- flips and turns

GROUPS = ["square8", "square8xtime"]


def square_of_numpy(group, code, clip):
    """The table of the description; a clip is (C, T, H, W)."""
    if group == "square8":
        flip, turns = [(2, 0), (3, 0), (None, 1), (None, 2), (None, 3), (2, 1), (3, 1), (None, 0)][code]
    else:
        flip, turns = [None, 3, 1, (1, 3)][code // 4], code % 4
    return np.rot90(clip if flip is None else np.flip(clip, flip), turns, axes=(2, 3))


@pytest.mark.parametrize("group", GROUPS)
def test_square_transforms_are_a_group(group):
    transform = SquareTransform(group)
    count = {"square8": 8, "square8xtime": 16}[group]
    assert transform.num_codes == count
    clip = torch.arange(2 * 3 * 4 * 4.0).view(1, 2, 3, 4, 4)
    codes = torch.arange(count)
    images = transform(clip.expand(count, -1, -1, -1, -1), SquareParams(codes))
    assert len({image.numpy().tobytes() for image in images}) == count  # all distinct
    for code in range(count):
        np.testing.assert_array_equal(images[code], square_of_numpy(group, code, clip[0].numpy()))
        assert sorted(images[code].flatten().tolist()) == clip.flatten().tolist()  # a permutation of voxels
        back = transform(images[code][None], SquareParams(torch.tensor([transform.inverse(code)])))
        assert torch.equal(back, clip)
        for second in range(count):
            both = transform(images[code][None], SquareParams(torch.tensor([second])))
            assert torch.equal(both[0], images[transform.compose(second, code)])
    assert torch.equal(images[transform.identity], clip[0])


@pytest.mark.parametrize("group", GROUPS)
def test_turning_and_mixing_commute(group, clips):
    """Turning and mixing commute where the frame that is mixed in is the same one after a flip in time."""
    transform, mix = SquareTransform(group), StaticMix()
    square, params = transform.sample(generator(9), clips.shape), mix.sample(generator(9), clips.shape)
    flipped = (square.code >= 8) if group == "square8xtime" else torch.zeros(5, dtype=torch.bool)
    moved = params._replace(frame=torch.where(flipped, 7 - params.frame, params.frame))
    torch.testing.assert_close(mix(transform(clips, square), moved), transform(mix(clips, params), square))


def test_codes_are_drawn_evenly_and_can_be_restricted():
    drawn = SquareTransform("square8xtime").sample(generator(), (8000, 1, 2, 2, 2)).code
    assert np.bincount(drawn, minlength=16).min() > 400
    assert set(SquareTransform(codes=[7, 1]).sample(generator(), (50, 1, 2, 2, 2)).code.tolist()) == {1, 7}


def test_square_refusals(clips):
    for codes in ([], [8], [0, 0], [-1]):
        with pytest.raises(ValueError, match=r"codes must be distinct integers in \[0, 8\)"):
            SquareTransform(codes=codes)
    with pytest.raises(ValueError, match="group must be one of"):
        SquareTransform("cube")
    transform = SquareTransform()
    with pytest.raises(ValueError, match=r"must lie in \[0, 8\)"):
        transform(clips, SquareParams(torch.full((5,), 8)))
    with pytest.raises(ValueError, match=r"params.code must have shape \(5,\)"):
        transform(clips, SquareParams(torch.tensor([0])))
    identity = SquareParams(torch.full((5,), 7))
    with pytest.raises(ValueError, match="must be square for flips and quarter turns, got 12 x 11"):
        transform(clips[..., :11], identity)
    with pytest.raises(ValueError, match="must be square"):
        transform.sample(generator(), (1, 1, 2, 3, 4))
    with pytest.raises(ValueError, match=r"codes must be in \[0, 8\)"):
        transform.compose(0, 8)


# -- crop, jitter, any callable


def test_crop_jitter_against_numpy(clips):
    transform = CropJitter()
    params = transform.sample(generator(10), clips.shape)
    got = transform(clips, params).numpy()
    for row in range(5):
        padded = np.pad(clips[row].numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)), mode="reflect")
        down, right = (3 + int(move) for move in params.shift[row])
        window = padded[:, :, down : down + 12, right : right + 12]
        expected = float(params.contrast[row]) * window + float(params.brightness[row])
        np.testing.assert_allclose(got[row], expected, atol=1e-12)
    many = transform.sample(generator(), (4000, 1, 1, 8, 8))
    assert [np.bincount(many.shift[:, axis] + 3, minlength=7).min() > 450 for axis in (0, 1)] == [True, True]
    assert 0.6 <= many.contrast.min() < 0.61 < 1.39 < many.contrast.max() <= 1.4
    assert -0.2 <= many.brightness.min() < -0.19 < 0.19 < many.brightness.max() <= 0.2
    assert (
        fit_tca(lambda x: CropJitter(shift=0)(x, params._replace(shift=0 * params.shift)), clips).residual.max() < 1e-12
    )


def test_crop_jitter_refusals():
    for wrong in ({"shift": -1}, {"contrast": 1.0}, {"brightness": -0.1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            CropJitter(**wrong)
    with pytest.raises(ValueError, match=r"shift must be below the frame's sides \(3, 9\), got 3"):
        CropJitter().sample(generator(), (1, 1, 1, 3, 9))


def test_any_callable_is_an_appearance(clips):
    seen = []

    def tint(frames):  # (T, C, H, W), as torchvision's v2 has it
        seen.append(tuple(frames.shape))
        frames *= torch.rand(1, 2, 1, 1)  # in place: the caller's clips must not change
        return frames

    before, outside = clips.clone(), torch.random.get_rng_state()
    transform = Appearance(tint)
    params = transform.sample(generator(), clips.shape)
    changed = transform(clips, params)
    assert seen == [(8, 2, 12, 12)] * 5
    assert torch.equal(clips, before)
    assert torch.equal(torch.random.get_rng_state(), outside)  # nor the caller's generator
    ratio = (changed / clips).flatten(2)
    torch.testing.assert_close(ratio, ratio[..., :1].expand_as(ratio))  # one tint a clip, not a frame
    assert len(ratio[:, 0, 0].unique()) == 5
    with pytest.raises(TypeError, match="function must be a callable"):
        Appearance("blur")
    for bad in (lambda frames: frames[1:], lambda frames: None):
        with pytest.raises(ValueError, match="function must give a tensor of shape"):
            Appearance(bad)(clips, params)


# -- segments


def test_starts_are_uniform_over_those_that_fit():
    frames = torch.tensor([16, 20, 61]).repeat(1000)
    starts = sample_starts(generator(), frames, 4, 4).view(-1, 3)
    assert count_starts(torch.tensor([16, 20, 61]), 4, 4).tolist() == [4, 8, 49]
    for column, number in enumerate((4, 8, 49)):
        counts = np.bincount(starts[:, column], minlength=number)
        assert len(counts) == number
        assert counts.min() > 0
    with pytest.raises(
        ValueError, match=r"13 frames of a clip of length 4 and stride 4, got 12 in row 1 \(1 such videos\)"
    ):
        sample_starts(generator(), torch.tensor([13, 12]), 4, 4)
    with pytest.raises(ValueError, match="length must be"):
        sample_starts(generator(), torch.tensor([13]), 0)


@pytest.mark.parametrize(
    ("frames", "length", "stride", "min_gap"), [(30, 4, 2, None), (30, 4, 2, 2), (16, 8, 1, None), (9, 4, 2, 20)]
)
def test_other_segments_against_a_list(frames, length, stride, min_gap):
    number = frames - (length - 1) * stride
    for start in range(number):
        far = [s for s in range(number) if abs(s - start) >= (min_gap or length * stride // 2)]
        if not far:  # too short: the largest distance there is
            far = [s for s in range(number) if abs(s - start) == max(start, number - 1 - start)]
        drawn = OtherSegment(min_gap).sample(
            generator(start), torch.full((400,), start), torch.full((400,), frames), length, stride
        )
        assert set(drawn.start.tolist()) == set(far)
        assert torch.equal(drawn.gap, (drawn.start - start).abs())
        footprint = length * stride
        shared = [
            len(set(range(start, start + footprint)) & set(range(s, s + footprint))) for s in drawn.start.tolist()
        ]
        torch.testing.assert_close(drawn.overlap, torch.tensor(shared) / footprint)


def test_a_video_with_one_segment():
    start, frames = torch.tensor([3, 0]), torch.tensor([20, 8])
    with pytest.raises(ValueError, match=r"two possible segments, got 8 frames in row 1"):
        OtherSegment().sample(generator(), start, frames, 8)
    drawn = OtherSegment(on_shortfall="skip").sample(generator(), start, frames, 8)
    assert drawn.start[1] == 0
    assert drawn.gap[1] == 0
    assert drawn.gap[0] >= 4
    with pytest.raises(ValueError, match="start must have one value a video"):
        OtherSegment().sample(generator(), torch.tensor([13]), torch.tensor([20]), 8)
    with pytest.raises(ValueError, match="min_gap must be"):
        OtherSegment(0)
    with pytest.raises(ValueError, match="on_shortfall must be"):
        OtherSegment(on_shortfall="repeat")
