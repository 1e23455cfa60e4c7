"""Text encoders from a folder, a module and a configuration; nothing is downloaded."""

from __future__ import annotations

import pytest
import torch

from graphvid.nn import OneStreamTransformer, TextEncoder

transformers = pytest.importorskip("transformers", reason="needs transformers, the extra 'text'")

CONFIG = {
    "vocab_size": 200,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}


@pytest.fixture
def bert():
    torch.manual_seed(0)
    return transformers.BertModel(transformers.BertConfig(**CONFIG)).eval()


@pytest.fixture
def words():
    torch.manual_seed(1)
    return torch.randint(5, 200, (3, 7)), torch.arange(7) < torch.tensor([[7], [2], [4]])


def test_three_sources(bert, words, tmp_path):
    bert.save_pretrained(str(tmp_path))
    loaded, given = TextEncoder(tmp_path).eval(), TextEncoder(bert)
    for one, other in zip(loaded(*words), given(*words)):
        torch.testing.assert_close(one, other)
    made = TextEncoder(transformers.BertConfig(**CONFIG))
    assert all(module.training for encoder in (TextEncoder(tmp_path), made) for module in encoder.modules())
    assert sum(p.numel() for p in made.parameters()) == 26_720
    assert made.dim == 32


@pytest.mark.parametrize("pooling", ["pooler", "mean", "cls"])
def test_pooling_and_padding(bert, words, pooling):
    ids, mask = words
    states, vector = TextEncoder(bert, pooling=pooling)(ids, mask)
    for row in range(3):
        alone = bert(input_ids=ids[row : row + 1, : mask[row].sum()])
        last = alone.last_hidden_state[0]
        expected = {"pooler": alone.pooler_output[0], "mean": last.mean(0), "cls": last[0]}[pooling]
        torch.testing.assert_close(vector[row], expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(states[row, mask[row]], last, atol=1e-5, rtol=1e-5)


def test_one_stream(bert, words):
    torch.manual_seed(2)
    ids, mask = words
    frames, known = torch.randn(3, 4, 6), torch.arange(4) < torch.tensor([[4], [1], [0]])
    model = OneStreamTransformer(TextEncoder(bert), 6, 5).eval()
    expected = model(ids, mask, frames, known)
    assert expected.shape == (3, 5)
    padded = torch.cat([frames, torch.randn(3, 60, 6)], 1), torch.cat([known, torch.zeros(3, 60, dtype=torch.bool)], 1)
    torch.testing.assert_close(model(ids, mask, *padded), expected, atol=1e-5, rtol=1e-5)  # beyond BERT's 64 positions
    torch.testing.assert_close(
        model(ids, mask, frames[:, [0, 2, 1, 3]][:1].expand(3, -1, -1), known)[0], expected[0], atol=1e-5, rtol=1e-5
    )
    assert not torch.allclose(model(ids, mask, frames + 1, known)[0], expected[0], atol=1e-4)
    torch.testing.assert_close(model(ids, mask, frames + 1, known)[2], expected[2])  # it has no frames


def test_refusals(bert, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"bert-base-chinese not found: .* nothing is downloaded unless allow_download"
    ):
        TextEncoder("bert-base-chinese")
    with pytest.raises(FileNotFoundError, match=str(tmp_path / "absent")):
        TextEncoder(tmp_path / "absent")
    with pytest.raises(ValueError, match="pooling must be one of"):
        TextEncoder(bert, pooling="max")
    bert.pooler = None
    with pytest.raises(ValueError, match="must not be 'pooler' for a BertModel without one"):
        TextEncoder(bert)
    one_type = transformers.BertConfig(**CONFIG, type_vocab_size=1)
    with pytest.raises(ValueError, match="two token types, one for frames, got a model with 1"):
        OneStreamTransformer(TextEncoder(one_type), 6)
