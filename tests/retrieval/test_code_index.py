"""Product codes against sums by loops, against exact search over decoded vectors, and against what a file may hold."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from graphvid.retrieval import CodeIndex, VectorIndex


def make(num_items=300, num_codebooks=4, num_codewords=16, width=3, *, seed=0, **options):
    """Return an index of random codes and codebooks, and what it was made from."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, num_codewords, (num_items, num_codebooks))
    codebooks = rng.normal(size=(num_codebooks, num_codewords, width)).astype(np.float32)
    return CodeIndex(codes, codebooks, **options), codes, codebooks


def by_loops(codes, codebooks, query):
    """Return the score of every item, in float64."""
    width = codebooks.shape[2]
    scores = []
    for row in codes.tolist():
        score = 0.0
        for m, code in enumerate(row):
            for d in range(width):
                score += float(query[m * width + d]) * float(codebooks[m, code, d])
        scores.append(score)
    return np.array(scores)


def ranked(scores, ids, top_k):
    """Return the best ids by (score, id)."""
    return [name for _, name in sorted((-score, name) for score, name in zip(scores.tolist(), ids, strict=True))][
        :top_k
    ]


@pytest.mark.parametrize("num_codebooks", [1, 2, 3, 4, 5, 6, 7, 8, 11])
def test_scores_equal_loops(num_codebooks):
    index, codes, codebooks = make(50, num_codebooks)
    query = np.random.default_rng(1).normal(size=3 * num_codebooks).astype(np.float32)
    assert index.scores([query])[0] == pytest.approx(by_loops(codes, codebooks, query), abs=1e-5)


@pytest.mark.parametrize("num_items", [1, 2047, 2048, 2049, 5000])
def test_search_is_the_order_of_the_scores(num_items):
    """With 3 codebooks of 2 codewords nearly all scores are tied: ids decide, across blocks too."""
    rng = np.random.default_rng(num_items)
    ids = rng.permutation(10 * num_items)[:num_items]
    index, codes, _ = make(num_items, 3, 2, ids=ids)
    queries = rng.normal(size=(4, 9))
    expected = index.scores(queries)
    for top_k in {1, min(10, num_items), num_items}:
        found = index.search(queries, top_k)
        for q in range(4):
            names = ranked(expected[q], index.ids.tolist(), top_k)
            assert found.ids[q].tolist() == names
            assert np.array_equal(found.scores[q], expected[q][np.searchsorted(index.ids, names)])
    assert np.array_equal(index.codes[np.searchsorted(index.ids, ids)], codes)


def test_equals_exact_search_over_decoded_vectors(text_ids):
    ids = text_ids(300)
    index, _, _ = make(num_codewords=300, ids=ids)  # more than a byte
    queries = np.random.default_rng(2).normal(size=(10, 12))
    exclude, each = ids[:3], [ids[q : q + 40] for q in range(10)]
    found = index.search(queries, 60, exclude=exclude, exclude_each=each)
    exact = VectorIndex(index.decode(), index.ids, metric="dot").search(queries, 60, exclude=exclude, exclude_each=each)
    assert found.scores == pytest.approx(exact.scores, abs=1e-5)
    assert (found.ids == exact.ids).mean() > 0.99
    assert index.codes.dtype == np.uint16


def test_depends_on_neither_batch_nor_order_nor_threads(threads):
    rng = np.random.default_rng(3)
    index, codes, codebooks = make(4000, 5, 4)
    queries = rng.normal(size=(30, 15))
    threads(1)
    found = index.search(queries, 100)
    threads(2)
    order = rng.permutation(4000)
    again = CodeIndex(codes[order], codebooks, order)
    parts = [again.search(part, 100) for part in np.split(queries, [1, 2, 11])]
    assert np.array_equal(np.concatenate([part.ids for part in parts]), found.ids)
    assert np.array_equal(np.concatenate([part.scores for part in parts]), found.scores)


def test_symmetric_scores_are_those_of_decoded_queries():
    index, codes, codebooks = make()
    queries = np.random.default_rng(4).normal(size=(6, 12)).astype(np.float32)
    # The (M, K, K) table of products of codewords, as symmetric search is usually written.
    table = np.einsum("mkd,mld->mkl", codebooks, codebooks)
    own = index.encode(queries)
    expected = np.array([[sum(table[m, a[m], b[m]] for m in range(4)) for b in codes] for a in own])
    assert index.scores(queries, symmetric=True) == pytest.approx(expected, abs=1e-5)
    found = index.search(queries, 300, symmetric=True)
    assert np.array_equal(found.scores, -np.sort(-index.scores(queries, symmetric=True), axis=1))


@pytest.mark.parametrize("assignment", ["l2", "dot"])
def test_encode_equals_loops(assignment):
    index, _, codebooks = make(assignment=assignment)
    vectors = np.random.default_rng(5).normal(size=(40, 12)).astype(np.float32)
    expected = []
    for x in vectors.reshape(40, 4, 3):
        if assignment == "l2":
            expected.append([np.argmin(((codebooks[m] - x[m]) ** 2).sum(axis=1)) for m in range(4)])
        else:
            expected.append([np.argmax(codebooks[m] @ x[m]) for m in range(4)])
    assert np.array_equal(index.encode(vectors), expected)
    assert np.array_equal(index.encode(index.decode()), index.codes) == (assignment == "l2")


def test_both_assignments_agree_on_codewords_of_one_length():
    _, codes, codebooks = make()
    codebooks /= np.linalg.norm(codebooks, axis=2, keepdims=True)
    vectors = np.random.default_rng(6).normal(size=(200, 12))
    near, like = (CodeIndex(codes, codebooks, assignment=name).encode(vectors) for name in ("l2", "dot"))
    assert np.array_equal(near, like)


def test_equal_codewords_take_the_lowest_code():
    index = CodeIndex([[0]], [[[1.0], [1.0], [1.0]]])
    assert index.encode([[1.0], [0.0]]).tolist() == [[0], [0]]


@pytest.mark.parametrize("query_norm", ["none", "sub", "full"])
def test_query_norms(query_norm):
    index, codes, codebooks = make(query_norm=query_norm)
    query = np.random.default_rng(7).normal(size=12).astype(np.float32)
    parts = query.reshape(4, 3)
    norms = {"none": 1.0, "sub": np.linalg.norm(parts, axis=1, keepdims=True), "full": np.linalg.norm(query)}
    normed = (parts / norms[query_norm]).ravel()
    assert index.scores([query])[0] == pytest.approx(by_loops(codes, codebooks, normed), abs=1e-5)
    assert index.scores(np.zeros((1, 12))).tolist() == [[0.0] * 300]


@pytest.mark.parametrize("text", [False, True])
def test_add_and_remove_equal_an_index_made_at_once(text, text_ids):
    index, _, codebooks = make()
    ids = text_ids(300) if text else np.random.default_rng(8).permutation(2**60 + np.arange(300)).tolist()
    codes = index.codes
    whole = CodeIndex(codes, codebooks, ids)
    grown = CodeIndex(codes[:100], codebooks, ids[:100])
    vectors = index.decode()
    grown.add(vectors[250:], ids[250:])
    grown.add(vectors[100:250], ids[100:250])
    assert np.array_equal(grown.ids, whole.ids)
    assert np.array_equal(grown.codes, whole.codes)
    grown.remove(ids[10:280])
    left = CodeIndex(np.delete(codes, np.s_[10:280], axis=0), codebooks, ids[:10] + ids[280:])
    query = np.random.default_rng(9).normal(size=(1, 12))
    for name in ("ids", "scores"):
        assert np.array_equal(getattr(grown.search(query, 30), name), getattr(left.search(query, 30), name))
    assert grown.num_bytes == 30 * 4


def test_a_refused_change_changes_nothing():
    index, _, _ = make(5)
    before = index.codes.copy()
    vectors = np.zeros((2, 12))
    for ids, match in [
        ([7, 7], "ids must be unique, got more than one of 7"),
        ([7, 3], "ids must not be in the index already, got 3"),
        ([7], "one id for each of the 2 vectors, got 1"),
    ]:
        with pytest.raises(ValueError, match=match):
            index.add(vectors, ids)
    with pytest.raises(TypeError, match="ids must be int like the ids of the index, got str"):
        index.add(vectors, ["a", "b"])
    with pytest.raises(ValueError, match=r"vectors must have shape \(number, 12\), got \(2, 11\)"):
        index.add(np.zeros((2, 11)), [7, 8])
    with pytest.raises(ValueError, match="vectors must be finite"):
        index.add(np.full((2, 12), np.nan), [7, 8])
    with pytest.raises(KeyError, match="ids must be among the 5 ids of the index, got 9, 8"):
        index.remove([1, 9, 8])
    with pytest.raises(ValueError, match="ids must be unique, got more than one of 1"):
        index.remove([1, 1])
    assert np.array_equal(index.codes, before)
    assert index.ids.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("ids", [[3, 1, 2], ["ü", "b", ""]])
def test_save_and_load_are_equal(tmp_path, ids):
    index, _, _ = make(3, query_norm="sub", assignment="dot", ids=ids, origin="abc")
    index.save(tmp_path / "codes.safetensors")
    loaded = CodeIndex.load(tmp_path / "codes.safetensors")
    assert np.array_equal(loaded.ids, index.ids)
    assert np.array_equal(loaded.codes, index.codes)
    assert np.array_equal(loaded.codebooks, index.codebooks)
    assert (loaded.query_norm, loaded.assignment, loaded.origin) == ("sub", "dot", "abc")
    index.remove(ids)
    index.save(tmp_path / "codes.safetensors")
    empty = CodeIndex.load(tmp_path / "codes.safetensors")
    assert empty.num_items == 0
    empty.add(np.zeros((1, 12)), ids[:1])
    assert empty.ids.tolist() == ids[:1]


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "codes.safetensors"
    index, _, _ = make(3)
    index.save(path)
    before = path.read_bytes()

    def fail(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr("graphvid.retrieval._code_file.save_file", fail)
    with pytest.raises(OSError, match="no space left"):
        make(9)[0].save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["codes.safetensors"]


def test_truncated_damaged_and_foreign_files_are_named(tmp_path):
    path = tmp_path / "codes.safetensors"
    make(30)[0].save(path)
    whole = path.read_bytes()
    for size in (0, 7, 100, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"codes\.safetensors is not a code index, or it is truncated or corrupt"):
            CodeIndex.load(path)
    damaged = bytearray(whole)
    damaged[-5] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(
        ValueError,
        match=r"codes\.safetensors is not a code index, or it is truncated or corrupt \(its checksum does not fit",
    ):
        CodeIndex.load(path)
    save_file({"weight": np.ones(3)}, path)
    with pytest.raises(ValueError, match=r"codes\.safetensors is not a code index: its format is None"):
        CodeIndex.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(ValueError, match="is not a code index"):
        CodeIndex.load(path)
    with pytest.raises(FileNotFoundError, match=r"absent\.safetensors not found"):
        CodeIndex.load(tmp_path / "absent.safetensors")
    with pytest.raises(ValueError, match=r"path must end in \.safetensors, got 'codes.pkl'"):
        make(3)[0].save(tmp_path / "codes.pkl")


def test_a_file_with_codes_out_of_range_is_refused(tmp_path):
    """A whole file with a right checksum that a reader must still not trust: a code would read beyond its codebook."""
    from graphvid.retrieval import _code_file

    path = tmp_path / "codes.safetensors"
    index, _, _ = make(3)
    arrays = {"codes": np.full((3, 4), 16, np.uint8), "codebooks": index.codebooks, "ids": np.arange(3)}
    options = {"query_norm": "none", "assignment": "l2", "origin": None}
    _code_file.write(path, arrays["codes"], arrays["codebooks"], arrays["ids"], options)
    with pytest.raises(ValueError, match=r"codes.safetensors holds no valid code index: codes must be in \[0, 16\)"):
        CodeIndex.load(path)
    for wrong, match in [
        ({"query_norm": "none"}, "its options must be"),
        ({**options, "query_norm": "l3"}, "query_norm"),
    ]:
        _code_file.write(path, index.codes, index.codebooks, index.ids, wrong)
        with pytest.raises(ValueError, match=match):
            CodeIndex.load(path)
    assert json.dumps(sorted(load_file(path))) == '["codebooks", "codes", "ids"]'


def test_tensors_are_taken():
    index, codes, codebooks = make(5)
    same = CodeIndex(torch.from_numpy(codes), torch.from_numpy(codebooks).requires_grad_())
    assert np.array_equal(same.codes, index.codes)


@pytest.mark.parametrize(
    ("codes", "codebooks", "error", "match"),
    [
        ([[0, 0]], np.zeros((1, 2, 3)), ValueError, r"codes must have shape \(num_items, 1\).*got \(1, 2\)"),
        ([0], np.zeros((1, 2, 3)), ValueError, r"got \(1,\)"),
        ([[2]], np.zeros((1, 2, 3)), ValueError, r"codes must be in \[0, 2\), got 2 to 2"),
        ([[-1]], np.zeros((1, 2, 3)), ValueError, "got -1 to -1"),
        ([[0.0]], np.zeros((1, 2, 3)), TypeError, "codes must hold integers, got dtype float64"),
        ([[0]], np.zeros((2, 3)), ValueError, "codebooks must have shape"),
        ([[0]], np.zeros((1, 65537, 1)), ValueError, r"num_codewords <= 65536.*got \(1, 65537, 1\)"),
        ([[0]], [[[np.nan]]], ValueError, "codebooks must be finite in float32"),
        ([[0]], [[["a"]]], TypeError, "codebooks must hold real numbers"),
    ],
)
def test_bad_codes(codes, codebooks, error, match):
    with pytest.raises(error, match=match):
        CodeIndex(codes, codebooks)


def test_bad_options_and_queries():
    with pytest.raises(ValueError, match=r"query_norm must be one of \['none', 'sub', 'full'\], got 'l2'"):
        make(query_norm="l2")
    with pytest.raises(ValueError, match=r"assignment must be one of \['l2', 'dot'\], got 'cosine'"):
        make(assignment="cosine")
    with pytest.raises(ValueError, match="one id for each of the 300 rows of codes, got 1"):
        make(ids=[1])
    index, _, _ = make(5)
    with pytest.raises(ValueError, match=r"queries must have shape \(number, 12\), got \(1, 3\)"):
        index.search([[1.0, 2.0, 3.0]], 1)
    with pytest.raises(ValueError, match="got 6 with 5 left for query 0"):
        index.search(np.zeros((1, 12)), 6)
    with pytest.raises(ValueError, match="queries must have scores that fit into float32, got scores of up to"):
        index.search(np.full((1, 12), 3e38), 1)
