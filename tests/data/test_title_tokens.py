"""Titles to word pieces: vocabularies made here, read back, and those that know no word."""

from __future__ import annotations

import pytest

from graphvid.data import TitleTokenizer

pytest.importorskip("transformers", reason="needs transformers, the extra 'text'")

TITLES = ["Two cats play", "two dogs, asleep", "a cat"]


def test_vocabulary_of_words():
    tokenizer = TitleTokenizer.of_words(TITLES, max_words=2)
    pieces = tokenizer.tokenizer.convert_ids_to_tokens
    ids, mask = tokenizer(["two CATS", "", ","])
    assert pieces(ids[0][mask[0]]) == ["[CLS]", "two", "c", "##a", "##t", "##s", "[SEP]"]  # "," and "two" are in
    assert pieces(ids[1][mask[1]]) == ["[CLS]", "[SEP]"]
    assert pieces(ids[2][mask[2]]) == ["[CLS]", ",", "[SEP]"]


def test_titles_are_cut():
    ids, mask = TitleTokenizer.of_words(TITLES, max_tokens=4)(["two cats play", "cat"])
    assert ids.shape == (2, 4)
    assert mask.sum(1).tolist() == [4, 3]


def test_read_back_and_bert_vocabulary(tmp_path):
    from transformers import BertTokenizer

    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "##s"]))
    BertTokenizer(vocab=str(tmp_path / "vocab.txt")).save_pretrained(str(tmp_path / "model"))
    tokenizer = TitleTokenizer.open(tmp_path / "model")
    assert tokenizer(["cats"]).ids.tolist() == [[2, 5, 6, 3]]  # not [UNK]
    tokenizer.save(tmp_path / "again")
    assert TitleTokenizer.open(tmp_path / "again")(["cats"]).ids.tolist() == [[2, 5, 6, 3]]


def test_refusals(tmp_path):
    tokenizer = TitleTokenizer.of_words(TITLES)
    with pytest.raises(ValueError, match=r"turns all 4 words of 2 texts into \[UNK\]"):
        tokenizer(["猫猫", "狗狗"])
    assert tokenizer(["", ""]).mask.sum() == 4  # no word is no wrong vocabulary
    with pytest.raises(ValueError, match="must hold words to make a vocabulary of, got none in 2 texts"):
        TitleTokenizer.of_words(["", " "])
    with pytest.raises(FileNotFoundError, match="expected a folder with a tokenizer"):
        TitleTokenizer.open(tmp_path / "absent")
    with pytest.raises(ValueError, match="at least one text"):
        tokenizer([])
