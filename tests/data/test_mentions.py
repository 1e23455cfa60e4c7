import gzip
from itertools import pairwise

import numpy as np
import pytest

from graphvid.data import AidaCandidates, Mentions, SyntheticMentions, WikiMentions, read_deep_ed, select_candidates
from graphvid.data._files import ENVIRONMENT_VARIABLE


def _mentions(**changes):
    given = {
        "doc": ["d", "d", "e"],
        "surface": ["Jordan", "Amman", "Jordan"],
        "gold": [1, 2, -1],
        "cand_indptr": [0, 2, 2, 3],
        "cand_entity": [1, 0, 0],
        "entity_ids": ["a", "b", "c"],
        "entity_names": ["Michael Jordan", "Jordan", "Amman"],
        "prior": [0.4, 0.6, 1.0],
    }
    return Mentions(**{**given, **changes})


def test_candidates_are_sorted_whatever_their_order():
    first, second = _mentions(), _mentions(cand_entity=[0, 1, 0], prior=[0.6, 0.4, 1.0])
    for mentions in (first, second):
        np.testing.assert_array_equal(mentions.cand_entity, [0, 1, 0])
        np.testing.assert_array_equal(mentions.prior, [0.6, 0.4, 1.0])
    np.testing.assert_array_equal(first.gold_candidate, [1, -1, -1])  # the second has no candidate, the third is NIL
    np.testing.assert_array_equal(first.linkable, [True, True, False])
    assert first.num_docs == 2


def test_take_keeps_everything_of_a_mention():
    taken = _mentions().take([1, 2])
    assert taken.doc_ids.tolist() == ["d", "e"]
    np.testing.assert_array_equal(taken.cand_indptr, [0, 0, 1])
    np.testing.assert_array_equal(taken.prior, [1.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"cand_entity": [1, 1, 0]},
            r"candidates of a mention must be distinct, got 'b' twice for mention 0 \('Jordan'\)",
        ),
        ({"doc": ["d", "e", "d"]}, "doc must be contiguous"),
        ({"cand_entity": [1, 3, 0]}, r"cand_entity must be in \[0, 3\), got 3"),
        ({"gold": [1, 5, -1]}, r"gold must be in \[-2, 3\), got 5"),
        ({"prior": [0.4, 1.6, 1.0]}, r"prior must be in \[0, 1\], got 1.6"),
        ({"left": ["", "", ""]}, "left and right must both be given"),
        ({"cand_indptr": [0, 2, 1, 3]}, "cand_indptr must start at 0 and never fall"),
        ({"surface": ["Jordan"]}, "surface must have 3 entries, got 1"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        _mentions(**changes)


LINES = [
    "1\t1\tParis\tin\tEMPTYCTXT\tCANDIDATES\t5,0.9,Paris\t8,0.0,Paris, Texas\tGT:\t2,8,0.0,Paris, Texas",
    "1\t1\tLyon\tto\tby train\tCANDIDATES\tEMPTYCAND\tGT:\t-1,11,Lyon, France",
    "2\t2\tParis\ta\tb\tCANDIDATES\t5,0.5,Paris\t8,0.5,Paris, Texas\tGT:\t0,5,0.5,Paris",
    "2\t2\tFoo\ta\tb\tCANDIDATES\t5,0.5,Paris\tGT:\t-1",
]


def test_deep_ed(tmp_path):
    path = tmp_path / "set.csv"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    mentions = read_deep_ed(path)
    assert mentions.entity_ids.tolist() == [5, 8, 11]
    assert mentions.entity_names.tolist() == ["Paris", "Paris, Texas", "Lyon, France"]
    np.testing.assert_array_equal(mentions.gold, [1, 2, 0, -1])  # by id: indices from 1 and from 0
    np.testing.assert_array_equal(mentions.gold_candidate, [1, -1, 2, -1])
    np.testing.assert_array_equal(mentions.cand_indptr, [0, 2, 2, 4, 5])
    assert mentions.prior[1] == 1e-3  # moved into the range of the published code
    assert mentions.right.tolist() == ["", "by train", "b", "b"]
    packed = tmp_path / "set.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_deep_ed(packed).gold, mentions.gold)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1\t1\tParis", "set.csv line 1: expected at least 9 columns between tabs, got 3"),
        (LINES[0].replace("5,0.9,Paris", "5,0.9"), "expected a column id,prob,title, got '5,0.9'"),
        (LINES[0].replace("5,0.9,Paris", "8,0.9,Paris"), "candidates of a mention must be distinct"),
        (LINES[0].replace("5,0.9,Paris", "5,1.9,Paris"), r"prob must be in \[0, 1\], got 1.9"),
        (LINES[0].replace("2,8,", "2,9,"), "the gold must be among the candidates unless its index is -1"),
    ],
)
def test_deep_ed_malformed(tmp_path, line, message):
    path = tmp_path / "set.csv"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_deep_ed(path)


def test_deep_ed_not_utf8(tmp_path):
    path = tmp_path / "set.csv"
    path.write_bytes(LINES[0].encode().replace(b"Paris", b"Par\xeds", 1))
    with pytest.raises(ValueError, match="must be UTF-8, got byte 0xed"):
        read_deep_ed(path)
    with pytest.raises(FileNotFoundError, match="expected mentions in the tab-separated form of deep-ed"):
        read_deep_ed(tmp_path / "absent.csv")


def test_selection_equals_the_loop():
    rng = np.random.default_rng(0)
    counts = [0, 1, 3, 12, 45]
    indptr = np.concatenate([[0], np.cumsum(counts)])
    entity = np.concatenate([rng.permutation(60)[:n] for n in counts])
    prior = rng.integers(1, 9, len(entity)) / 10  # with ties
    mentions = Mentions(np.arange(5), list("abcde"), [-1] * 5, indptr, entity, np.arange(60), ["x"] * 60, prior=prior)
    scores = rng.integers(0, 5, len(entity)).astype(float)
    expected = []
    for start, end in pairwise(indptr.tolist()):
        order = sorted(range(start, end), key=lambda c: (-mentions.prior[c], mentions.cand_entity[c]))[:30]
        kept = order[:4] + sorted(order, key=lambda c: (-scores[c], order.index(c)))[:3]
        kept = list(dict.fromkeys(kept)) + [c for c in order if c not in kept]
        expected += kept[:7]
    np.testing.assert_array_equal(select_candidates(mentions, scores), sorted(expected))


def test_world():
    world = SyntheticMentions(num_docs=(8, 2, 2), contexts_per_entity=2, seed=3)
    mentions, again = world.mentions, SyntheticMentions(num_docs=(8, 2, 2), contexts_per_entity=2, seed=3)
    np.testing.assert_array_equal(mentions.gold, again.mentions.gold)
    np.testing.assert_array_equal(world.context_vectors, again.context_vectors)
    assert (np.diff(mentions.cand_indptr) == 6).all()
    assert ((np.bincount(mentions.doc) >= 4) & (np.bincount(mentions.doc) <= 12)).all()
    position = mentions.gold_candidate - mentions.cand_indptr[:-1]
    assert len(np.unique(position)) == 6  # the gold may stand anywhere
    for name in range(6):  # two of one topic and other types, two of one type and other topics
        of_name = mentions.cand_entity.reshape(-1, 6)[name]
        topics, kinds = world.entity_topic[of_name], world.entity_type[of_name]
        pairs = [(i, j) for i in range(6) for j in range(i)]
        assert any(topics[i] == topics[j] and kinds[i] != kinds[j] for i, j in pairs)
        assert any(topics[i] != topics[j] and kinds[i] == kinds[j] for i, j in pairs)
    assert (world.link_src != world.link_dst).all()
    read = world.read_contexts(["name0"], ["nothing known"], [""])
    assert np.isfinite(read.context_vectors).all()
    assert not read.words.size


@pytest.fixture(scope="module")
def data_dir():
    import os

    if ENVIRONMENT_VARIABLE not in os.environ:
        pytest.skip(f"the staged sets are found by {ENVIRONMENT_VARIABLE}")
    return None


@pytest.mark.slow
def test_staged_sets(data_dir):
    aida, wiki = AidaCandidates(data_dir), WikiMentions(data_dir)
    assert (aida.mentions.num_mentions, aida.mentions.num_candidates) == (30428, 378513)
    assert int(aida.mentions.linkable.sum()) == 18538 + 4791 + 4485 + 2
    assert (wiki.mentions.num_mentions, int((wiki.mentions.gold_candidate >= 0).sum())) == (2930, 2116)
    best = aida.in_links[aida.mentions.cand_entity].astype(float)
    gold, linked = aida.mentions.gold_candidate, aida.mentions.linkable & (aida.split == "testb")
    most = np.maximum.reduceat(best, aida.mentions.cand_indptr[:-1])
    found = (gold >= 0) & (np.append(best, -1)[gold] == most)
    assert found[linked].mean() == pytest.approx(0.802, abs=0.001)
