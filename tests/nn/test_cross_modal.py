"""Cross-modal layers against LXMERT's and against attention over a graph; squeeze and excitation; masks."""

from __future__ import annotations

import math

import pytest
import torch

from graphvid.nn import CrossModalTransformer, SEFusion, masked_mean
from graphvid.nn.cross_modal import CrossLayer, MultiHeadAttention
from graphvid.ops import Adjacency


@pytest.fixture
def streams():
    torch.manual_seed(0)
    text, frames = torch.randn(3, 5, 12), torch.randn(3, 4, 12)
    return (
        text,
        torch.arange(5) < torch.tensor([[5], [2], [3]]),
        frames,
        torch.arange(4) < torch.tensor([[1], [4], [3]]),
    )


def test_layer_equals_lxmert(streams):
    transformers = pytest.importorskip("transformers", reason="needs transformers, the extra 'text'")
    from transformers.models.lxmert.modeling_lxmert import LxmertXLayer

    config = transformers.LxmertConfig(hidden_size=12, num_attention_heads=3, intermediate_size=20, hidden_act="gelu")
    theirs, ours = LxmertXLayer(config).eval(), CrossLayer(12, 3, 20, 0.1, share=True).eval()
    copy_attention(ours.to_frames, theirs.visual_attention.att, theirs.visual_attention.output)
    for mine, attention, inner, outer in (
        (ours.text, theirs.lang_self_att, theirs.lang_inter, theirs.lang_output),
        (ours.frames, theirs.visn_self_att, theirs.visn_inter, theirs.visn_output),
    ):
        copy_attention(mine.attention, attention.self, attention.output)
        mine.feed_forward.inner.load_state_dict(inner.dense.state_dict())
        mine.feed_forward.outer.load_state_dict(outer.dense.state_dict())
        mine.feed_forward.norm.load_state_dict(outer.LayerNorm.state_dict())
    text, text_mask, frames, frame_mask = streams
    added = [(1.0 - mask.float())[:, None, None] * -1e9 for mask in (text_mask, frame_mask)]
    expected = theirs(text, added[0], frames, added[1])
    for found, wanted, mask in zip(ours(*streams), expected, (text_mask, frame_mask)):
        torch.testing.assert_close(found[mask], wanted[mask], atol=1e-5, rtol=1e-5)


def copy_attention(ours, theirs, output):
    for name in ("query", "key", "value"):
        getattr(ours, name).load_state_dict(getattr(theirs, name).state_dict())
    ours.output.load_state_dict(output.dense.state_dict())
    ours.norm.load_state_dict(output.LayerNorm.state_dict())


def test_attention_equals_messages_on_token_frame_edges(streams):
    text, text_mask, frames, frame_mask = streams
    layer = MultiHeadAttention(12, 3, 0.0).eval()
    video_of_word, video_of_frame = (mask.nonzero()[:, 0] for mask in (text_mask, frame_mask))
    dst, src = (video_of_word[:, None] == video_of_frame).nonzero().T  # complete inside each video
    edges = Adjacency.from_coo(src, dst, num_src=len(video_of_frame), num_dst=len(video_of_word))
    heads = [
        function(x).unflatten(1, (3, 4))
        for function, x in (
            (layer.query, text[text_mask]),
            (layer.key, frames[frame_mask]),
            (layer.value, frames[frame_mask]),
        )
    ]
    weight = edges.edge_softmax(edges.sddmm(heads[1], heads[0], op="dot") / math.sqrt(4))
    context = edges.spmm(heads[2], weight).flatten(1)
    expected = layer.norm(text[text_mask] + layer.output(context))
    torch.testing.assert_close(layer(text, frames, frame_mask)[text_mask], expected, atol=1e-5, rtol=1e-5)


def model(**options):
    torch.manual_seed(0)
    sizes = {"num_frame_layers": 1, "num_cross_layers": 2, "num_heads": 3, "hidden": 20}
    return CrossModalTransformer(7, 12, 6, **{**sizes, **options})


@pytest.mark.parametrize("share", [True, False])
def test_padding_and_order_of_frames_do_not_matter(share):
    text, frames = torch.randn(2, 4, 12), torch.randn(2, 3, 7)
    masks = torch.ones(2, 4, dtype=torch.bool), torch.tensor([[True] * 3, [True, False, False]])
    fused = model(share_cross=share).eval()
    expected = fused(text, masks[0], frames, masks[1])
    assert expected.shape == (2, 6)
    longer = [torch.cat([mask, torch.zeros(2, 5, dtype=torch.bool)], 1) for mask in masks]
    words, seen = (torch.cat([x, torch.randn(2, 5, x.shape[2])], 1) for x in (text, frames))
    torch.testing.assert_close(fused(words, longer[0], seen, longer[1]), expected, atol=1e-5, rtol=1e-5)
    flipped = frames[:, [2, 1, 0]], masks[1][:, [2, 1, 0]]
    torch.testing.assert_close(fused(text, masks[0], *flipped), expected, atol=1e-5, rtol=1e-5)
    placed = model(share_cross=share, num_positions=3).eval()
    assert not torch.allclose(placed(text, masks[0], *flipped), placed(text, masks[0], frames, masks[1]), atol=1e-4)
    with pytest.raises(ValueError, match="at most the 3 positions, got 8"):
        placed(text, masks[0], seen, longer[1])


def test_no_frames_at_all():
    text, mask = torch.randn(2, 4, 12), torch.ones(2, 4, dtype=torch.bool)
    for fill in (0.0, 3.0):
        found = model().eval()(text, mask, torch.full((2, 3, 7), fill), torch.zeros(2, 3, dtype=torch.bool))
        assert torch.isfinite(found).all()
    assert masked_mean(torch.randn(2, 3, 7), torch.zeros(2, 3, dtype=torch.bool)).eq(0).all()


def test_squeeze_and_excitation():
    torch.manual_seed(0)
    layer = SEFusion([3, 2], 16, reduction=4).double().eval()
    parts = [torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 2, dtype=torch.float64)]
    hidden = torch.relu(torch.cat(parts, 1) @ layer.dense.weight.T + layer.dense.bias)
    gate = torch.sigmoid(torch.relu(hidden @ layer.squeeze.weight.T) @ layer.excite.weight.T)
    torch.testing.assert_close(layer(parts), hidden * gate)
    assert (layer.squeeze.weight.shape, layer.squeeze.bias, layer.excite.bias) == ((4, 16), None, None)
    assert (layer(parts) >= 0).all()
    with pytest.raises(ValueError, match="one modality at least"):
        SEFusion([])
