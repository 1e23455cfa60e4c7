"""Exports of runs and searches with them: every run that has vectors, and all that must be refused."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graphvid import load_run
from graphvid.cli import main
from graphvid.data import Features, SyntheticVideoPairs, load_features
from graphvid.models import (
    ContrastiveQuantizationConfig,
    LightGCNConfig,
    MFConfig,
    PyramidQuantizationConfig,
    RGCConfig,
    SimpleXConfig,
    TwinTowerConfig,
    TwoTowerConfig,
)
from graphvid.models.clips import RECIPES
from graphvid.models.recommenders import CrossBatch, Shared
from graphvid.retrieval import CodeIndex, VectorIndex, from_faiss, to_faiss
from graphvid.runs import Run, VectorRun, export, search
from graphvid.tasks import METHODS, task_of, train
from graphvid.tasks.co_watch import CoWatch, CoWatchSource
from graphvid.tasks.codes import CodesSource
from graphvid.tasks.recommendation import InteractionSource
from graphvid.tasks.similarity import EnsembleConfig, EnsembleSource, VideoPairSource

SHARED = Shared(num_negatives=20)
CODES = {"num_codewords": 16, "dim": 8, "batch_size": 32, "num_epochs": 1}
CONFIGS = {
    "rgc": RGCConfig(hidden=(16,), dim=8, batch_size=32, num_steps=2),
    "mf": MFConfig(dim=8, negatives=SHARED, batch_size=64, num_epochs=1),
    "simplex": SimpleXConfig(dim=8, negatives=SHARED, batch_size=64, num_epochs=1),
    "lightgcn": LightGCNConfig(dim=8, batch_size=64, num_epochs=1),
    "two-tower": TwoTowerConfig(dim=8, hidden=8, batch_size=64, num_epochs=1, negatives=CrossBatch(memory_size=150)),
    "mecoq": ContrastiveQuantizationConfig(**CODES, hidden=16, memory_size=32, memory_from=0),
    "phpq": PyramidQuantizationConfig(**CODES),
    "twin-tower": TwinTowerConfig(
        dim=8, frame_dim=6, num_groups=2, num_clusters=3, title=False, batch_size=12, num_epochs=1, pretrain_epochs=0
    ),
    "ensemble": EnsembleConfig(dim=8),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A log with text ids in no order, and features in another order."""
    path = tmp_path_factory.mktemp("log")
    rng = np.random.default_rng(0)
    group, topic = np.arange(60) % 4, np.arange(50) % 4
    users, items = np.nonzero(rng.random((60, 50)) < np.where(group[:, None] == topic, 0.4, 0.05))
    frame = pd.DataFrame({"user_id": [f"u{u}" for u in users], "video_id": [f"v{i}" for i in items]})
    frame.sample(frac=1, random_state=0).to_csv(path / "log.csv", index=False)
    order = rng.permutation(50)
    table = (np.eye(4)[topic] + 0.1 * rng.normal(size=(50, 4))).astype(np.float32)
    Features([f"v{i}" for i in order], {"look": table[order]}).save(path / "features.npz")
    Features(["new-1", "new-2"], {"look": table[:2]}).save(path / "new.npz")
    pd.DataFrame({"video_id": [f"v{i}" for i in range(50)], "label": topic}).to_csv(path / "labels.csv", index=False)
    SyntheticVideoPairs(
        num_pointwise=1, num_videos=20, num_pairs=60, num_test_videos=20, num_test_pairs=25, frame_dim=24
    ).write(path / "contest")
    return path


@pytest.fixture(scope="module")
def run_of(files, tmp_path_factory):
    """Train a method once, and give its run."""
    runs = {}

    def get(method):
        if method not in runs:
            folder = tmp_path_factory.mktemp("runs") / method
            train(method, source(method), folder, CONFIGS[method], progress=False)
            runs[method] = load_run(folder)
        return runs[method]

    def source(method):
        log, features = str(files / "log.csv"), str(files / "features.npz")
        if method == "rgc":
            return CoWatchSource(log=log, features=features, tune="none")
        if method in ("mecoq", "phpq"):
            return CodesSource(features=features, labels=str(files / "labels.csv"))
        if method == "twin-tower":
            videos, pairs, test = (
                str(files / "contest" / name) for name in ("pairwise.parquet", "label.tsv", "test.parquet")
            )
            return VideoPairSource(videos=videos, pairs=pairs, test_videos=test)
        if method == "ensemble":
            one, two = get("twin-tower").directory.path, tmp_path_factory.mktemp("runs") / "two"
            train("twin-tower", source("twin-tower"), two, replace(CONFIGS["twin-tower"], seed=1), progress=False)
            return EnsembleSource(runs=(str(one), str(two)))
        return InteractionSource(log=log, features=features if method == "two-tower" else None)

    return get


@pytest.fixture
def command(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["graphvid", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return ended.value.code, captured.out, captured.err

    return call


def by_cosine(vectors, video_id):
    """Return the other ids, the most similar first, and their cosines."""
    x = vectors.modalities["embedding"].astype(np.float64)
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    cosines = x @ x[vectors.ids.get_loc(video_id)]
    rows = sorted((-c, i) for c, i in zip(cosines.tolist(), vectors.ids, strict=True) if i != video_id)
    return [i for _, i in rows], [-c for c, _ in rows]


def test_all_methods_with_vectors_are_here():
    """A method that is new to the index is exported here too, if its runs have vectors; those of clips in their task."""
    assert {name for name in METHODS if issubclass(task_of(name).answers, VectorRun)} == {*CONFIGS, *RECIPES}


@pytest.mark.parametrize("method", list(CONFIGS))
def test_every_run_with_vectors_is_exported_and_searched(method, run_of, tmp_path):
    run = run_of(method)
    vectors = run.vectors()
    video = vectors.ids[7]
    names, cosines = by_cosine(vectors, video)
    coded = ("pq", {}) if run.codes() else ("fastscan", {"num_codebooks": 8})
    for kind, options in [(None, {}), ("hnsw", {"ef_search": 50}), coded]:
        out = tmp_path / f"{kind}.faiss"
        assert export(run, out, kind=kind, **options) == [
            out,
            tmp_path / f"{kind}.faiss.ids.parquet",
            tmp_path / f"{kind}.faiss.json",
        ]
        found = search(run=run, index=out, video_id=video, top_k=len(names))
        assert sorted(found["video_id"]) == sorted(names)
        if kind != coded[0]:
            assert found["score"].to_numpy() == pytest.approx(cosines, abs=1e-5)
    exact = search(run=run, video_id=video, top_k=5)
    assert exact["video_id"].tolist() == names[:5]
    neighbors = run.neighbors(video, top_k=5)
    assert neighbors["video_id"].tolist() == names[:5]
    assert neighbors["score"].tolist() == exact["score"].tolist()
    export(run, tmp_path / "x.parquet", to="parquet")
    read = load_features(tmp_path / "x.parquet")
    assert np.array_equal(read.align(vectors.ids).modalities["embedding"], vectors.modalities["embedding"])
    written = export(run, tmp_path / "x.npy", to="npy")
    assert [path.name for path in written] == ["x.npy", "x.ids.npy"]
    assert np.array_equal(np.load(written[0]), vectors.modalities["embedding"])
    assert np.load(written[1]).tolist() == vectors.ids.tolist()


def test_neighbors_of_many_videos_are_those_of_each(run_of):
    run = run_of("rgc")
    asked = ["v7", "v30", "v7"]
    for top_k in (3, 999):
        found = run.neighbors(asked, top_k=top_k)
        width = min(top_k, 49)
        assert found["query_id"].tolist() == np.repeat(asked, width).tolist()
        for at, video in enumerate(asked):
            one = run.neighbors(video, top_k=top_k)
            assert one["video_id"].tolist() == by_cosine(run.vectors(), video)[0][:width]
            part = found.iloc[at * width : (at + 1) * width].reset_index(drop=True)
            pd.testing.assert_frame_equal(part[["video_id", "score"]], one)
    with pytest.raises(KeyError, match=r"video_id must be one of the 50 videos of .*, got 'x' \(2 of 3 are not\)"):
        run.neighbors(["v7", "x", "y"])


def test_a_video_is_no_neighbour_of_itself_among_copies(run_of, tmp_path, monkeypatch):
    run = run_of("rgc")
    copies = Features([f"v{i}" for i in range(6)], {"embedding": np.ones((6, 2), np.float32)})
    monkeypatch.setattr(VectorRun, "vectors", lambda self: copies)
    assert run.neighbors("v5", top_k=3)["video_id"].tolist() == ["v0", "v1", "v2"]
    assert run.neighbors(["v1", "v5"], top_k=2)["video_id"].tolist() == ["v0", "v2", "v0", "v1"]
    monkeypatch.setattr(VectorRun, "vectors", lambda self: Features(["v0"], {"embedding": np.ones((1, 2), np.float32)}))
    assert run.neighbors("v0").empty
    assert run.neighbors(["v0"]).columns.tolist() == ["query_id", "video_id", "score"]


def test_a_run_without_vectors_is_refused(run_of, tmp_path):
    run = Run(run_of("rgc").directory.path, CoWatch())
    for call in (lambda: export(run, tmp_path / "x.faiss"), lambda: search(run=run, video_id="v7")):
        with pytest.raises(ValueError, match=r"holds a run of .*, which has no vectors"):
            call()


def test_vectors_of_users_by_dot_products_find_what_is_recommended(run_of, tmp_path):
    run = run_of("mf")
    export(run, tmp_path / "items.faiss", metric="dot")
    users = run.vectors("user").align(["u5"])
    known = set(run.vectors().ids) - set(run.recommend("u5", top_k=50)["item_id"])
    found = search(index=tmp_path / "items.faiss", features=users, exclude=sorted(known), top_k=5)
    best = run.recommend("u5", top_k=5)
    assert found["query_id"].tolist() == ["u5"] * 5
    assert found["video_id"].tolist() == best["item_id"].tolist()
    assert found["score"].to_numpy() == pytest.approx(best["score"].to_numpy(), abs=1e-5)
    export(run, tmp_path / "users.npy", to="npy", of="user")
    assert len(np.load(tmp_path / "users.npy")) == len(run.vectors("user").ids)


def test_new_videos_are_embedded_and_searched(run_of, files, tmp_path):
    run = run_of("rgc")
    export(run, tmp_path / "x.faiss")
    new = load_features(files / "new.npz")
    found = search(run=run, index=tmp_path / "x.faiss", features=new, top_k=3)
    same = search(index=tmp_path / "x.faiss", features=run.embed(new), top_k=3)
    pd.testing.assert_frame_equal(found, same)
    nearest = found.groupby("query_id", sort=False)["video_id"].first()
    assert nearest.to_dict() == {"new-1": "v0", "new-2": "v1"}  # they have the features of these


@pytest.mark.parametrize("method", ["rgc", "mecoq"])
def test_codes_that_grow_are_searched_with_their_run(method, run_of, files, tmp_path):
    """Codes that FAISS has learnt from vectors, and those of a run that has learnt its own."""
    run = run_of(method)
    if method == "rgc":
        export(run, tmp_path / "pq.faiss", kind="pq", num_codebooks=4, num_codewords=16)
        codes = from_faiss(tmp_path / "pq.faiss").to_codes()
    else:
        codes = run.codes()
    codes.add(run.embed(load_features(files / "new.npz")).modalities["embedding"], ["new-1", "new-2"])
    codes.remove(["v3"])
    codes.save(tmp_path / "codes.safetensors")
    to_faiss(codes, "pq").save(tmp_path / "codes.faiss")
    scores = codes.search(run.vectors().align(["v7"]).modalities["embedding"], 50, exclude=["v7"]).scores[0]
    for name in ("codes.safetensors", "codes.faiss"):
        found = search(run=run, index=tmp_path / name, video_id="v7", top_k=99)
        assert set(found["video_id"]) == {*run.vectors().ids, "new-1", "new-2"} - {"v3", "v7"}
        assert found["score"].to_numpy() == pytest.approx(scores, abs=1e-5)
    with pytest.raises(ValueError, match=f"{name} has other ids than the vectors of .*mf: 2 of its 51 are not"):
        search(run=run_of("mf"), index=tmp_path / name, video_id="v7")


def test_codes_of_a_run_are_exported_as_they_are(run_of, tmp_path):
    """No codebook is trained for the export of a run that has learnt its own."""
    run = run_of("mecoq")
    assert run_of("rgc").codes() is None
    codes, queries = run.codes(), run.vectors().modalities["embedding"][:5]
    for kind in ("pq", "ivfpq", "fastscan"):
        export(run, tmp_path / "x.faiss", kind=kind, **({"num_lists": 4, "num_probes": 4} if kind == "ivfpq" else {}))
        found = from_faiss(tmp_path / "x.faiss").search(queries, 50)
        assert found.scores == pytest.approx(codes.search(queries, 50).scores, abs=0.1 if kind == "fastscan" else 1e-5)
        assert len(search(run=run, index=tmp_path / "x.faiss", video_id="v7", top_k=99)) == 49
    with pytest.raises(ValueError, match="metric must not be given for the codes of a run"):
        export(run, tmp_path / "x.faiss", kind="pq", metric="cosine")


def test_exports_are_replaced_and_the_run_is_not(run_of, tmp_path):
    run = run_of("rgc")
    for _ in range(2):
        export(run, tmp_path / "x.faiss")
    folder = run.directory.path
    before = {path: path.read_bytes() for path in folder.iterdir()}
    link = tmp_path / "link"
    link.symlink_to(folder)
    for out, to in [(folder / "x.faiss", "faiss"), (folder / "x.npy", "npy"), (link / "x.parquet", "parquet")]:
        with pytest.raises(ValueError, match="the output must not replace an input"):
            export(run, out, to=to)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("out", "options", "match"),
    [
        ("x.faiss", {"to": "csv"}, r"to must be one of \['faiss', 'parquet', 'npy'\], got 'csv'"),
        ("x.npy", {}, "out must end in .faiss for faiss, got 'x.npy'"),
        ("x.npy", {"to": "npy", "kind": "flat"}, r"\['kind'\] must be given for faiss only, got them for npy"),
        ("x.npy", {"to": "npy", "seed": 1}, r"\['seed'\] must be given for faiss only"),
        ("x.faiss", {"kind": "tree"}, "kind must be one of"),
        ("x.faiss", {"metric": "l2"}, "metric must be one of"),
        ("x.faiss", {"of": "user"}, r"of must be one of \['embedding'\]"),
        ("x.faiss", {"kind": "pq", "num_codebooks": 3}, "num_codebooks must divide the 8 dimensions, got 3"),
        ("x.faiss", {"kind": "pq"}, "num_codewords must be at most the 50 vectors to train with, got 256"),
        ("x.faiss", {"lists": 3}, r"options of kind 'flat' must be among \[\], got \['lists'\]"),
    ],
)
def test_wrong_exports_write_nothing(run_of, tmp_path, out, options, match):
    with pytest.raises(ValueError, match=match):
        export(run_of("rgc"), tmp_path / out, **options)
    assert not list(tmp_path.iterdir())


def test_indices_of_other_vectors_are_refused(run_of, tmp_path):
    rgc, mf = run_of("rgc"), run_of("mf")
    export(rgc, tmp_path / "rgc.faiss")
    with pytest.raises(ValueError, match=r"rgc.faiss was made from other vectors than those of .*mf"):
        search(run=mf, index=tmp_path / "rgc.faiss", video_id="v7")
    few = mf.vectors().align([f"v{i}" for i in range(10, 20)])
    rows = few.modalities["embedding"]
    to_faiss(rows, ids=few.ids).save(tmp_path / "few.faiss")
    with pytest.raises(ValueError, match=r"few.faiss has other ids .*: 0 of its 10 are not in the run, 40 of the 50"):
        search(run=mf, index=tmp_path / "few.faiss", video_id="v7")
    to_faiss(rows[:, :4], ids=few.ids).save(tmp_path / "narrow.faiss")
    with pytest.raises(ValueError, match=r"narrow.faiss has vectors of 4 dimensions, those of .*mf have 8"):
        search(run=mf, index=tmp_path / "narrow.faiss", video_id="v7")
    with pytest.raises(ValueError, match="the index has vectors of 4 dimensions, the queries have 8"):
        search(index=tmp_path / "narrow.faiss", features=few)


def test_wrong_searches(run_of, files, tmp_path):
    run, new = run_of("mf"), load_features(files / "new.npz")
    for options, error, match in [
        ({"run": run}, ValueError, "exactly one of video_id and features must be given, got neither"),
        ({"run": run, "video_id": "v1", "features": new}, ValueError, "got both"),
        ({"features": new}, ValueError, "run must be given where index is not"),
        ({"index": "x.faiss", "video_id": "v1"}, ValueError, "run must be given with video_id"),
        ({"index": "x.faiss", "features": new, "of": "user"}, ValueError, "of must be given with run only, got 'user'"),
        ({"run": run, "video_id": "v99"}, KeyError, "video_id must be one of the 50 videos of .*, got 'v99'"),
        ({"run": run, "video_id": "v1", "top_k": 0}, ValueError, "top_k must be an integer >= 1, got 0"),
        ({"run": run, "features": new}, ValueError, "which does not answer 'embed'"),
        (
            {"run": run, "video_id": "v1", "index": "x.txt"},
            ValueError,
            "an index must be a .faiss or .safetensors file",
        ),
        ({"run": run, "video_id": "v1", "index": tmp_path / "x.faiss"}, FileNotFoundError, "x.faiss.json not found"),
        ({"run": run, "video_id": "v1", "exclude": run.vectors().ids}, ValueError, "exclude must leave an item"),
    ]:
        with pytest.raises(error, match=match):
            search(**options)
    wide = Features(["a"], {"one": np.ones((1, 4)), "two": np.ones((1, 4))})
    export(run, tmp_path / "x.faiss")
    with pytest.raises(ValueError, match=r"features must have one modality, .* got \['one', 'two'\]"):
        search(index=tmp_path / "x.faiss", features=wide)


def test_an_index_of_integers_takes_ids_as_text(tmp_path):
    ids = [2**53 + 1, 2**53, 7]
    CodeIndex([[0], [1], [2]], [[[1.0], [2.0], [3.0]]], ids).save(tmp_path / "x.safetensors")
    query = Features(["q"], {"vector": np.ones((1, 1))})
    found = search(index=tmp_path / "x.safetensors", features=query, exclude=[str(2**53 + 1)])
    assert found["video_id"].tolist() == [7, 2**53]
    with pytest.raises(ValueError, match="exclude must hold integers like the ids of the index, got 'v1'"):
        search(index=tmp_path / "x.safetensors", features=query, exclude=["v1"])


def test_the_commands(command, run_of, files, tmp_path):
    run = run_of("rgc").directory.path
    index = tmp_path / "x.faiss"
    code, out, err = command("export", "--run", run, "--out", index, "--kind", "hnsw", "--set", "ef_search=99")
    assert code == 0, err
    assert re.fullmatch(r"([\d,]+ bytes in .*x\.faiss.*\n){3}", out)
    code, out, err = command("search", "--run", run, "--index", index, "--video", "v7", "--top-k", "3")
    assert code == 0, err
    names, _ = by_cosine(run_of("rgc").vectors(), "v7")
    rows = [line.split() for line in out.splitlines()]
    assert rows[0] == ["query_id", "video_id", "score"]
    assert [row[:2] for row in rows[1:]] == [["v7", name] for name in names[:3]]
    (tmp_path / "seen.txt").write_text(f"{names[0]}\n\nnever-heard-of\n")
    pd.DataFrame({"video_id": [names[1]]}).to_csv(tmp_path / "seen.csv", index=False)
    for seen, left in [("seen.txt", names[1:]), ("seen.csv", [names[0], *names[2:]])]:
        result = tmp_path / "found.parquet"
        code, out, err = command("search", "--run", run, "--video", "v7", "--exclude", tmp_path / seen, "--out", result)
        assert (code, out) == (0, f"10 rows in {result}\n"), err
        assert pd.read_parquet(result)["video_id"].tolist() == left[:10]
    code, out, err = command("search", "--run", run, "--features", files / "new.npz", "--top-k", "1")
    assert (code, [line.split()[:2] for line in out.splitlines()[1:]]) == (0, [["new-1", "v0"], ["new-2", "v1"]]), err


@pytest.mark.parametrize("method", ["twin-tower", "ensemble"])
def test_new_videos_of_a_run_that_embeds_no_features(method, command, run_of, files):
    """The test videos are in the run, so each is the nearest to itself."""
    run, videos = run_of(method).directory.path, files / "contest" / "test.parquet"
    code, out, err = command("search", "--run", run, "--features", videos, "--top-k", "1")
    assert code == 0, err
    rows = [line.split() for line in out.splitlines()[1:]]
    assert len(rows) == 20
    assert all(query == found and float(score) > 0.999 for query, found, score in rows)


def test_mistakes_are_one_sentence(command, run_of, files, tmp_path):
    run = run_of("rgc").directory.path
    pd.DataFrame({"id": ["v1"]}).to_csv(tmp_path / "ids.csv", index=False)
    before = (tmp_path / "ids.csv").read_bytes()
    for arguments, match in [
        (["export", "--run", run, "--out", run / "embeddings.npz"], "out must end in .faiss for faiss"),
        (["export", "--run", run, "--out", run / "x.faiss"], "the output must not replace an input"),
        (["export", "--run", run, "--out", tmp_path / "no" / "x.faiss"], "there is no folder"),
        (["export", "--run", tmp_path, "--out", tmp_path / "x.faiss"], "holds no run"),
        (["search", "--run", run, "--video", "v99"], "video_id must be one of the 50 videos"),
        (
            ["search", "--run", run, "--video", "v1", "--exclude", tmp_path / "ids.csv"],
            r"must have the columns \['video_id'\]",
        ),
        (["search", "--run", run, "--video", "v1", "--exclude", tmp_path / "no.txt"], "no.txt not found"),
        (["search", "--run", run, "--video", "v1", "--out", tmp_path / "x.txt"], "out must end in .csv or .parquet"),
        (
            ["search", "--run", run, "--video", "v1", "--exclude", tmp_path / "ids.csv", "--out", tmp_path / "ids.csv"],
            "the output must not replace an input",
        ),
    ]:
        code, _, err = command(*arguments)
        assert code == 2
        assert re.fullmatch(rf"graphvid: .*{match}.*\n", err), err
    assert (tmp_path / "ids.csv").read_bytes() == before


def test_exact_search_of_a_run_is_the_room_s(run_of):
    run = run_of("simplex")
    vectors = run.vectors()
    embedding = vectors.modalities["embedding"]
    found = VectorIndex(embedding, vectors.ids).search(embedding[:1], 6, exclude=vectors.ids[:1])
    assert run.neighbors(vectors.ids[0], top_k=6)["video_id"].tolist() == found.ids[0].tolist()
