"""Agreement of feature maps: the terms by hand, and what they do not see."""

from __future__ import annotations

import pytest
import torch

from graphvid.losses import flip_consistency, map_consistency


def test_terms_equal_loops():
    a, b = torch.randn(2, 3, 4, 2, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    place = ((a - b) ** 2).mean()
    channel = torch.stack([(a[i, c].max() - b[i, c].max()) ** 2 for i in range(3) for c in range(4)]).mean()
    spatial = ((a.mean(1) - b.mean(1)) ** 2).mean()
    torch.testing.assert_close(map_consistency(a, b), place + channel + 10 * spatial)
    torch.testing.assert_close(map_consistency(a, b, channel_weight=0, spatial_weight=0), place)
    assert float(map_consistency(a, a)) == 0


def test_flip_sees_time_alone():
    maps = torch.randn(2, 3, 4, 2, 2, generator=torch.Generator().manual_seed(0))
    assert float(flip_consistency(maps, maps.flip(2))) == 0
    assert float(flip_consistency(maps, maps.flip(2).flip(4))) == pytest.approx(0, abs=1e-12)
    by_hand = (maps.mean((3, 4)) - maps.mean((3, 4)).flip(2)).square().mean()
    torch.testing.assert_close(flip_consistency(maps, maps), by_hand)


def test_bad_arguments():
    maps = torch.zeros(1, 2, 3, 4, 4)
    for call, message in (
        (lambda: map_consistency(maps, maps[:, :1]), "first and second must have one shape"),
        (lambda: map_consistency(maps, maps, spatial_weight=-1.0), "spatial_weight must be a finite float >= 0"),
        (lambda: flip_consistency(maps[0], maps[0]), "forward and reversed_ must have one shape"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
