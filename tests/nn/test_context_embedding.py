import numpy as np
import pytest
import torch

from graphvid.nn import ContextEmbedding

transformers = pytest.importorskip("transformers")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "river", "player", "of", "jordan", "runs"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a tiny random BERT and its tokenizer."""
    path = tmp_path_factory.mktemp("bert")
    (path / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
    )
    transformers.BertModel(config).save_pretrained(path)
    tokenizer = transformers.BertTokenizer(vocab=str(path / "vocab.txt"))
    assert tokenizer.convert_tokens_to_ids("river") == 6  # not [UNK]
    tokenizer.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def encoder(folder):
    from graphvid.nn.text_encoder import TextEncoder

    return TextEncoder(folder), transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)


LEFT, RIGHT = ["the", "the player of the", ""], ["river runs", "", ""]


def test_mask_is_the_state_in_the_mentions_place(encoder):
    model, tokenizer = encoder
    found = ContextEmbedding(model, tokenizer, pool="mask", max_pieces=16)(LEFT, RIGHT)
    model.eval()
    for row, text in enumerate(("the [MASK] river runs", "the player of the [MASK]", "[MASK]")):
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            states, _ = model(ids, torch.ones_like(ids, dtype=torch.bool))
        state = states[0, ids[0].tolist().index(tokenizer.mask_token_id)]
        np.testing.assert_allclose(found[row], state / state.norm(), atol=1e-5)


def test_mean_leaves_out_the_mention_and_the_signs(encoder):
    model, tokenizer = encoder
    found = ContextEmbedding(model, tokenizer, pool="mean", max_pieces=16)(LEFT, RIGHT)
    ids = tokenizer("the river runs", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        states, _ = model.eval()(ids, torch.ones_like(ids, dtype=torch.bool))
    mean = states[0, 1:-1].mean(dim=0)
    np.testing.assert_allclose(found[0], mean / mean.norm(), atol=1e-5)
    assert np.isfinite(found[2]).all()  # an empty context


def test_long_contexts_are_cut_around_the_mention(encoder):
    embed = ContextEmbedding(*encoder, pool="mask", max_pieces=9)
    pieces, place = embed._cut("the river " * 20, "player runs " * 20)
    assert len(pieces) == 9
    assert pieces[place] == WORDS.index("[MASK]")
    assert [WORDS[piece] for piece in pieces] == [
        "[CLS]",
        "river",
        "the",
        "river",
        "[MASK]",
        "player",
        "runs",
        "player",
        "[SEP]",
    ]
    pieces, place = embed._cut("of", "player runs " * 20)  # a short side gives its room away
    assert (len(pieces), place) == (9, 2)


def test_fingerprint_and_arguments(encoder):
    model, tokenizer = encoder
    first = ContextEmbedding(model, tokenizer)
    assert first.fingerprint() == ContextEmbedding(model, tokenizer).fingerprint()
    assert first.fingerprint() != ContextEmbedding(model, tokenizer, pool="mean").fingerprint()
    with pytest.raises(ValueError, match="pool must be one of"):
        ContextEmbedding(model, tokenizer, pool="first")
    with pytest.raises(ValueError, match="left and right must have equal lengths, got 1 and 2"):
        first([""], ["", ""])
    with pytest.raises(ValueError, match="max_pieces must be at least 4, got 3"):
        ContextEmbedding(model, tokenizer, max_pieces=3)
