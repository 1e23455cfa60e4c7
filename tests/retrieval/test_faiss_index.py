"""FAISS indices of vectors and codes against our own searches, and the files that hold them."""

from __future__ import annotations

import builtins
import json
import sys

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from graphvid.retrieval import CodeIndex, FaissIndex, VectorIndex, from_faiss, to_faiss

faiss = pytest.importorskip("faiss")

KINDS = ("flat", "hnsw", "pq", "ivfpq", "fastscan")


@pytest.fixture(autouse=True)
def one_thread():
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


def make_codes(num_items=2000, num_codebooks=4, num_codewords=256, width=4, **options):
    rng = np.random.default_rng(0)
    codes = rng.integers(0, num_codewords, (num_items, num_codebooks))
    return CodeIndex(codes, rng.normal(size=(num_codebooks, num_codewords, width)), **options)


def make_vectors(num_items=1500, dim=16):
    rng = np.random.default_rng(1)
    return (
        rng.normal(size=(20, dim))[rng.integers(0, 20, num_items)] + 0.3 * rng.normal(size=(num_items, dim))
    ).astype("f")


def assert_same_result(found, expected, tolerance=1e-5):
    """Scores equal within ``tolerance``; ids equal wherever neighbouring scores differ by more than it."""
    assert found.scores == pytest.approx(expected.scores, abs=tolerance)
    gaps = np.diff(expected.scores.astype(np.float64), axis=1) < -tolerance
    clear = np.concatenate([np.ones((len(gaps), 1), bool), gaps], axis=1)
    clear[:, :-1] &= gaps
    clear[:, -1] = False  # what comes after the last is not seen
    assert clear.mean() > 0.1
    assert np.array_equal(found.ids[clear], expected.ids[clear])


@pytest.mark.parametrize(("num_codebooks", "num_codewords"), [(2, 256), (8, 256), (3, 2), (5, 16), (4, 128), (2, 1024)])
@pytest.mark.parametrize("query_norm", ["none", "sub"])
def test_pq_of_codes_has_our_scores(num_codebooks, num_codewords, query_norm, text_ids):
    ours = make_codes(2000, num_codebooks, num_codewords, ids=text_ids(2000), query_norm=query_norm)
    index = to_faiss(ours, "pq")
    queries = np.random.default_rng(2).normal(size=(1000, ours.dim))
    if num_codewords == 2:  # 8 different codes: everything is tied
        assert index.search(queries[:50], 2000).scores == pytest.approx(
            ours.search(queries[:50], 2000).scores, abs=1e-5
        )
    else:
        assert_same_result(index.search(queries, 40), ours.search(queries, 40))
    back = index.to_codes()
    assert np.array_equal(back.codes, ours.codes)
    assert np.array_equal(back.codebooks, ours.codebooks)
    assert np.array_equal(back.ids, ours.ids)


def test_all_lists_of_ivfpq_of_codes_have_our_scores():
    ours = make_codes(assignment="dot")
    index = to_faiss(ours, "ivfpq", num_lists=300, num_probes=300)  # two bytes for the number of a list
    queries = np.random.default_rng(3).normal(size=(30, 16))
    assert_same_result(index.search(queries, 20), ours.search(queries, 20))
    assert not index.index.by_residual


def test_fastscan_of_codes_finds_nearly_our_items():
    ours = make_codes(num_codebooks=8, num_codewords=16)
    queries = np.random.default_rng(4).normal(size=(50, 32))
    found, expected = to_faiss(ours, "fastscan").search(queries, 10), ours.search(queries, 10)
    overlap = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.ids, expected.ids, strict=True)])
    assert overlap > 0.9


def test_fastscan_gives_all_items_where_all_are_asked_for():
    """Its tables give the worst item of all the score 0, with which FAISS itself leaves the item out."""
    ours = make_codes(60, num_codebooks=2, num_codewords=16)
    index = to_faiss(ours, "fastscan")
    queries = np.random.default_rng(6).normal(size=(40, 8))
    assert (index.index.search(queries.astype("f"), 60)[1] < 0).any()
    found = index.search(queries, 60)
    assert (np.sort(found.ids, axis=1) == np.arange(60)).all()
    assert found.scores == pytest.approx(ours.search(queries, 60).scores, abs=0.1)


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_vectors_decoded_from_codes(kind):
    ours = make_codes(500, num_codewords=16)
    queries = np.random.default_rng(5).normal(size=(20, 16))
    index = to_faiss(ours, kind, **({"ef_search": 500} if kind == "hnsw" else {}))
    assert index.search(queries, 5).scores == pytest.approx(ours.search(queries, 5).scores, abs=1e-4)


@pytest.mark.parametrize("metric", ["cosine", "dot"])
def test_flat_equals_exact_search(metric, text_ids):
    vectors, ids = make_vectors(), text_ids(1500)
    ours = VectorIndex(vectors, ids, metric=metric)
    queries = vectors[:40] * 3
    for index in (to_faiss(vectors, ids=ids, metric=metric), to_faiss(ours)):
        assert_same_result(index.search(queries, 15), ours.search(queries, 15))


def test_hnsw_finds_most_neighbours():
    vectors = make_vectors()
    exact = VectorIndex(vectors).search(vectors[:60], 10)
    found = to_faiss(vectors, "hnsw").search(vectors[:60], 10)
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.ids, exact.ids, strict=True)]) > 0.95


@pytest.mark.parametrize("kind", ["pq", "ivfpq", "fastscan"])
def test_trained_indices_are_those_that_faiss_makes(kind):
    vectors = make_vectors()
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    product = faiss.METRIC_INNER_PRODUCT
    if kind == "ivfpq":
        coarse = faiss.IndexFlatIP(16)
        plain = faiss.IndexIVFPQ(coarse, 16, 9, 8, 6, product)
        plain.nprobe, plain.cp.seed, plain.cp.min_points_per_centroid = 3, 5, 1
    else:
        plain = faiss.IndexPQ(16, 8, 6 if kind == "pq" else 4, product)
    plain.pq.cp.seed, plain.pq.cp.min_points_per_centroid = 5, 1
    plain.train(units)
    plain.add(units)
    if kind == "fastscan":
        plain = faiss.IndexPQFastScan(plain)
    options = {"pq": {"num_codewords": 64}, "ivfpq": {"num_codewords": 64, "num_lists": 9, "num_probes": 3}}.get(
        kind, {}
    )
    found = to_faiss(vectors, kind, num_codebooks=8, seed=5, **options).search(vectors[:60], 10)
    assert found.scores == pytest.approx(plain.search(units[:60], 10)[0], abs=1e-6)


@pytest.mark.parametrize("kind", ["pq", "ivfpq", "fastscan"])
def test_training_is_seeded(kind):
    vectors, options = make_vectors(400), {"num_codebooks": 4, **({} if kind == "fastscan" else {"num_codewords": 16})}
    one, same, other = (to_faiss(vectors, kind, seed=seed, **options) for seed in (3, 3, 4))
    queries = vectors[:20]
    assert np.array_equal(one.search(queries, 10).scores, same.search(queries, 10).scores)
    assert not np.array_equal(one.search(queries, 10).scores, other.search(queries, 10).scores)


@pytest.mark.parametrize("kind", KINDS)
def test_files_keep_every_index(kind, tmp_path, text_ids):
    vectors, ids = make_vectors(400), text_ids(400)
    options = {"pq": {"num_codebooks": 4}, "ivfpq": {"num_codebooks": 4, "num_lists": 8, "num_probes": 5}}.get(kind, {})
    index = to_faiss(vectors, kind, ids=ids, origin="abc", **options)
    index.save(tmp_path / "x.faiss")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.faiss", "x.faiss.ids.parquet", "x.faiss.json"]
    read = from_faiss(tmp_path / "x.faiss")
    assert (read.kind, read.metric, read.origin, read.options) == (kind, "cosine", "abc", index.options)
    for name in ("ids", "scores"):
        assert np.array_equal(getattr(read.search(vectors[:9], 7), name), getattr(index.search(vectors[:9], 7), name))
    about = json.loads((tmp_path / "x.faiss.json").read_text())
    assert (about["dim"], about["num_items"], about["format"]) == (16, 400, "graphvid.FaissIndex")
    # FAISS itself reads the file, and its item i is row i of the ids.
    plain = faiss.read_index(str(tmp_path / "x.faiss"))
    rows = parquet.read_table(tmp_path / "x.faiss.ids.parquet").column("video_id").to_pylist()
    nearest = plain.search(vectors[:5] / np.linalg.norm(vectors[:5], axis=1, keepdims=True), 1)[1][:, 0]
    assert [rows[i] for i in nearest] == read.search(vectors[:5], 1).ids[:, 0].tolist()


def test_integer_ids_beyond_53_bits_come_back(tmp_path):
    ids = [2**53 + 1, 2**53, -(2**63), 2**63 - 1]
    to_faiss(np.eye(4), ids=ids).save(tmp_path / "x.faiss")
    assert from_faiss(tmp_path / "x.faiss").search(np.eye(4), 1).ids.ravel().tolist() == ids


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_excluded_is_not_found(kind):
    vectors = make_vectors(600)
    options = {"pq": {"num_codebooks": 4}, "ivfpq": {"num_codebooks": 4, "num_lists": 20, "num_probes": 1}}.get(
        kind, {}
    )
    index = to_faiss(vectors, kind, **options)
    free = index.search(vectors[:5], 40)
    exclude, each = free.ids[0, :10].tolist(), [row[:20].tolist() for row in free.ids]
    found = index.search(vectors[:5], 550, exclude=exclude, exclude_each=each)
    for q in range(5):
        barred = {*exclude, *each[q]}
        assert barred.isdisjoint(found.ids[q].tolist())
        assert len(set(found.ids[q].tolist())) == 550
    if kind in ("flat", "pq", "fastscan"):  # the others find more with more effort
        rest = [name for name in free.ids[1].tolist() if name not in {*exclude, *each[1]}]
        assert found.ids[1, : len(rest)].tolist() == rest


def test_equal_scores_are_in_the_order_of_ids(text_ids):
    ids = text_ids(30)
    index = to_faiss(np.ones((30, 4)), "flat", ids=ids)
    assert index.search(np.ones((1, 4)), 30).ids[0].tolist() == sorted(ids)


def test_zero_vectors_have_cosine_zero():
    index = to_faiss([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]], "flat")
    assert index.search([[5.0, 0.0]], 3).scores.tolist() == [[1.0, 0.0, -1.0]]


def test_the_absence_of_faiss_names_the_extra(monkeypatch, tmp_path):
    to_faiss(np.eye(2)).save(tmp_path / "x.faiss")
    real = builtins.__import__

    def without(name, *arguments, **named):
        if name == "faiss":
            raise ModuleNotFoundError("No module named 'faiss'")
        return real(name, *arguments, **named)

    monkeypatch.delitem(sys.modules, "faiss")
    monkeypatch.setattr(builtins, "__import__", without)
    for call in (lambda: to_faiss(np.eye(2)), lambda: from_faiss(tmp_path / "x.faiss")):
        with pytest.raises(ImportError, match=r'pip install "graphvid\[retrieval\]"'):
            call()
    index = CodeIndex([[0]], [[[1.0]]])  # needs no FAISS
    assert index.search([[1.0]], 1).ids.tolist() == [[0]]


@pytest.mark.parametrize(
    ("vectors", "kind", "options", "match"),
    [
        (np.eye(4), "tree", {}, "kind must be one of"),
        (np.zeros((0, 4)), "flat", {}, "vectors must have at least one item, got none"),
        (np.full((2, 2), np.nan), "flat", {}, "vectors must be finite"),
        (np.eye(4), "flat", {"seed": 0}, r"options of kind 'flat' must be among \[\], got \['seed'\]"),
        (np.eye(4), "hnsw", {"num_links": 0}, "num_links must be an integer >= 1, got 0"),
        (np.ones((300, 10)), "pq", {"num_codebooks": 4}, "num_codebooks must divide the 10 dimensions, got 4"),
        (np.ones((300, 8)), "pq", {"num_codewords": 100}, "power of two from 2 to 65536 for FAISS, got 100"),
        (np.ones((255, 8)), "pq", {}, "num_codewords must be at most the 255 vectors to train with, got 256"),
        (np.ones((15, 8)), "fastscan", {}, "at most the 15 vectors"),
        (np.ones((300, 8)), "ivfpq", {"num_lists": 301}, "num_lists must be at most the 300 items, got 301"),
        (
            np.ones((300, 8)),
            "ivfpq",
            {"num_lists": 9, "num_probes": 10},
            "num_probes must be at most num_lists=9, got 10",
        ),
        (make_codes(50, num_codewords=100), "pq", {}, "num_codewords must be a power of two .* got 100"),
        (make_codes(50, num_codewords=1), "ivfpq", {}, "got 1"),
        (make_codes(50), "fastscan", {}, "must have 16 codewords a codebook, got 256"),
        (
            make_codes(50),
            "pq",
            {"num_codebooks": 4},
            r"'pq' of a CodeIndex must be among \[\], got \['num_codebooks'\]",
        ),
        (make_codes(50), "pq", {"ids": range(50)}, "ids and metric must not be given for a CodeIndex"),
        (VectorIndex(np.eye(2)), "flat", {"metric": "dot"}, "must not be given for a VectorIndex"),
    ],
)
def test_bad_input(vectors, kind, options, match):
    with pytest.raises(ValueError, match=match):
        to_faiss(vectors, kind, **options)


def test_bad_queries_and_foreign_indices():
    index = to_faiss(np.eye(4))
    with pytest.raises(ValueError, match=r"queries must have shape \(number, 4\), got \(1, 3\)"):
        index.search([[1.0, 2.0, 3.0]], 1)
    with pytest.raises(ValueError, match="kind must be 'pq' to be read as codes, got 'flat'"):
        index.to_codes()
    with pytest.raises(ValueError, match="ids must be 4 distinct ids in ascending order"):
        FaissIndex(index.index, [3, 2, 1, 0], "flat")
    with pytest.raises(ValueError, match="ids must be 4 distinct ids"):
        FaissIndex(index.index, [0, 1], "flat")
    with pytest.raises(ValueError, match="kind must be one of"):
        FaissIndex(index.index, range(4), "lsh")
    with pytest.raises(ValueError, match="index must be by inner product"):
        FaissIndex(faiss.IndexFlatL2(4), [], "flat")


def test_files_that_are_not_whole_or_not_each_others_are_refused(tmp_path):
    path, about, ids = (tmp_path / name for name in ("x.faiss", "x.faiss.json", "x.faiss.ids.parquet"))

    def refused(match, error=ValueError):
        with pytest.raises(error, match=match):
            from_faiss(path)
        to_faiss(np.eye(4)).save(path)

    refused("x.faiss and .*x.faiss.ids.parquet and .*x.faiss.json not found", FileNotFoundError)
    path.write_bytes(path.read_bytes()[:-3])
    refused("x.faiss is not the file that x.faiss.json describes, or it is truncated or corrupt")
    path.write_bytes(path.read_bytes()[::-1])
    refused("x.faiss is not the file that x.faiss.json describes")
    ids.unlink()
    refused("x.faiss.ids.parquet not found: an index that graphvid writes has a side-car", FileNotFoundError)
    parquet.write_table(pyarrow.table({"video_id": [1, 2, 3, 4]}), ids)
    refused("x.faiss.ids.parquet is not the file that x.faiss.json describes")
    about.write_text("{")
    refused("x.faiss.json is not the side-car of an index, or it is truncated")
    about.write_text('{"kind": "flat"}')
    refused("x.faiss.json is not the side-car of an index")
    record = json.loads(about.read_text())
    for change, match in [
        ({"version": 2}, "x.faiss.json is of version 2"),
        ({"kind": 3}, "x.faiss.json is corrupt: 'kind' is absent or of another type"),
        ({"kind": "lsh"}, "x.faiss holds no valid index: kind must be one of"),
        ({"dim": 5}, "x.faiss must have 4 vectors of 5 dimensions, got 4 of 4"),
    ]:
        about.write_text(json.dumps({**record, **change}))
        refused(match)
    with pytest.raises(ValueError, match=r"path must end in \.faiss, got 'x.index'"):
        to_faiss(np.eye(4)).save(tmp_path / "x.index")


def test_a_failed_save_leaves_the_old_files(tmp_path, monkeypatch):
    to_faiss(np.eye(4)).save(tmp_path / "x.faiss")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("graphvid.retrieval._faiss_files.write_ids", fail)
    with pytest.raises(OSError, match="no space left"):
        to_faiss(np.eye(3)).save(tmp_path / "x.faiss")
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before
