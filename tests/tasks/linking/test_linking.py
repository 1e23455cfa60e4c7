"""Linking from files in the form of deep-ed: the contract, figures, answers, and what must not be known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from graphvid.models.linking import LinkGlobalConfig, LinkGraphConfig, LinkLocalConfig
from graphvid.tasks import load_run, train
from graphvid.tasks.linking import LinkingSource, load_linking
from tests.tasks.contract import Case, check_task

TOPICS = {
    "water": ["river", "bank", "boat", "flood"],
    "sport": ["player", "team", "goal", "match"],
    "land": ["country", "border", "king", "law"],
}
NAMES = ["Jordan", "Severn", "Granta", "Colne", "Wye", "Tamar"]
PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "the",
    *(word for words in TOPICS.values() for word in words),
    *map(str.lower, NAMES),
    *TOPICS,
]


def _entity(name: int, topic: int) -> tuple[int, str]:
    return 100 + 10 * name + topic, f"{NAMES[name]} ({list(TOPICS)[topic]})"


def _write(path, first: int, last: int) -> None:
    """Write documents of one topic each, with mentions that every topic's entity is a candidate of; one mention has none."""
    rng = np.random.default_rng(first)
    lines = []
    for doc in range(first, last):
        topic = doc % 3
        words = list(TOPICS.values())[topic]
        for _ in range(4):
            name = int(rng.integers(len(NAMES)))
            prior = rng.dirichlet([1, 1, 1])
            listed = [f"{_entity(name, t)[0]},{prior[t]:.3f},{_entity(name, t)[1]}" for t in rng.permutation(3)]
            entity, title = _entity(name, topic)
            left, right = (" ".join(rng.choice([*words, "the"], 4)) for _ in range(2))
            gold = f"1,{entity},0.5,{title}"
            lines.append("\t".join([str(doc), str(doc), NAMES[name], left, right, "CANDIDATES", *listed, "GT:", gold]))
        lines.append(
            "\t".join([str(doc), str(doc), "Nowhere", "the", "EMPTYCTXT", "CANDIDATES", "EMPTYCAND", "GT:", "-1"])
        )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Training and test files, texts and candidates to link, and a tiny random BERT."""
    transformers = pytest.importorskip("transformers")
    path = tmp_path_factory.mktemp("linking")
    _write(path / "train.csv", 0, 30)
    _write(path / "fewer.csv", 0, 24)
    _write(path / "test.csv", 30, 36)
    text = "the river bank of Jordan and the boat on the Wye"
    pd.DataFrame(
        {
            "id": ["a", "b", "b"],
            "text": [text, "Severn team Severn", "Severn team Severn"],
            "start": ["", "0", "12"],
            "end": ["", "6", "18"],
        }
    ).to_csv(path / "text.csv", index=False)
    listed = [(NAMES[n], _entity(n, t)[0], 0.3) for n in range(4) for t in range(3)] + [("Wye", _entity(4, 0)[0], 1.0)]
    pd.DataFrame(listed, columns=["surface", "entity", "prior"]).to_csv(path / "candidates.csv", index=False)
    bert = path / "bert"
    bert.mkdir()
    (bert / "vocab.txt").write_text("\n".join(PIECES), encoding="utf-8")
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(PIECES),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=128,
    )
    transformers.BertModel(config).save_pretrained(bert)
    transformers.BertTokenizer(vocab=str(bert / "vocab.txt")).save_pretrained(bert)
    return path


def _source(files, **options) -> LinkingSource:
    return LinkingSource(train=str(files / "train.csv"), test=str(files / "test.csv"), **options)


SMALL = {"hidden": 8, "batch_size": 9, "num_epochs": 3, "learning_rate": 0.01}
CONFIGS = {
    "link-local": LinkLocalConfig(**SMALL),
    "link-global": LinkGlobalConfig(
        **SMALL, coherence="relations", prior_in_rounds=False, relation_hidden=4, num_rounds=2
    ),
    "link-graph": LinkGraphConfig(**SMALL, num_rounds=2),
}


@pytest.mark.parametrize("method", list(CONFIGS))
def test_contract(method, files, tmp_path, monkeypatch) -> None:
    encoder = str(files / "bert") if method == "link-global" else None
    source = _source(files, encoder=encoder)

    def ask(run) -> None:
        found = run.link(files / "text.csv", files / "candidates.csv")
        assert found["mention"].tolist() == ["Jordan", "Wye", "Severn", "Severn"]
        assert found["probability"].between(0, 1).all()
        assert found["reason"].iloc[1] == "only candidate"

    files_of_run = {"model.safetensors", "knowledge.npz"}
    if encoder is not None:
        files_of_run |= {"encoder.safetensors", "encoder"}
    refused = [(replace(source, test=str(files / "absent.csv")), CONFIGS[method])]
    if method == "link-global":
        refused.append((replace(source, encoder=None), CONFIGS[method]))  # no vectors to cohere
    case = Case(
        method,
        source,
        CONFIGS[method],
        files_of_run,
        ask,
        files_of_run - {"encoder"},
        replace(source, train=str(files / "fewer.csv")),
        refused,
    )
    check_task(case, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def trained(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("run")
    config = LinkLocalConfig(hidden=16, num_epochs=20, batch_size=4, learning_rate=0.02, dropout=0.0)
    train(
        "link-local",
        _source(files, encoder=str(files / "bert"), cache=str(files / "cache")),
        out,
        config,
        progress=False,
    )
    return load_run(out)


def test_figures(trained, files):
    test = trained.metrics["test"]
    assert trained.evaluate(progress=False) == {"local linking": test}
    assert test["linkable"] == 24  # NIL golds are neither right nor wrong
    assert test["accuracy"] > max(test["baselines"].values())
    assert sum(found["mentions"] for found in test["by_candidates"].values()) == 24
    assert test["with_gold"] == test["accuracy"]
    assert any((files / "cache").iterdir())  # the vectors are kept
    text = trained._task.report(trained.directory).to_text()
    assert f"{test['accuracy']:.4f}" in text
    assert test["ambiguous"] == test["accuracy"]  # every mention has several candidates
    assert test["one_candidate"] is None
    assert "one candidate" not in text
    page = (trained.directory.path / "report.html").read_text(encoding="utf-8")
    assert "share right" in page
    assert "share finished" not in page


def test_link_says_what_is_wrong_with_files(trained, files, tmp_path):
    candidates = files / "candidates.csv"

    def asked(text: pd.DataFrame, listed=None):
        text.to_csv(tmp_path / "text.csv", index=False)
        path = candidates
        if listed is not None:
            path = tmp_path / "candidates.csv"
            listed.to_csv(path, index=False)
        return trained.link(tmp_path / "text.csv", path)

    one = pd.DataFrame({"id": ["a"], "text": ["Jordan"], "start": [0], "end": [6]})
    assert len(asked(one)) == 1
    with pytest.raises(ValueError, match="must lie in the text of 6 characters, got 0 and 9 in row 0"):
        asked(one.assign(end=9))
    with pytest.raises(ValueError, match="mentions must be distinct"):
        asked(pd.concat([one, one]))
    with pytest.raises(ValueError, match="rows of one id must have one text"):
        asked(pd.concat([one, one.assign(text="Jordan!")]))
    unknown = pd.DataFrame({"surface": ["Jordan"], "entity": [7], "prior": [1.0]})
    with pytest.raises(ValueError, match="entity must be among the 18 entities of the run, got '7'"):
        asked(one, unknown)
    twice = pd.DataFrame({"surface": ["Jordan", "jordan"], "entity": [100, 100], "prior": [0.5, 0.5]})
    with pytest.raises(ValueError, match="candidates of a surface must be distinct, got '100' twice"):
        asked(one, twice)
    (tmp_path / "text.csv").write_bytes(b"id,text\na,J\xf6rdan\n")
    with pytest.raises(ValueError, match="is not a CSV file in UTF-8"):
        trained.link(tmp_path / "text.csv", candidates)
    overlapping = pd.DataFrame({"id": ["a"] * 2, "text": ["Jordan Severn"] * 2, "start": [0, 0], "end": [6, 13]})
    found = asked(overlapping)
    assert found["reason"].tolist()[1] == "no candidate"  # a surface without candidates has no entity
    assert found["entity"].isna().tolist() == [False, True]


def test_features_do_not_know_the_golds(files, tmp_path):
    """Other golds in the test documents change no feature of any mention."""
    lines = (files / "test.csv").read_text(encoding="utf-8").splitlines()
    changed = []
    for line in lines:
        columns = line.split("\t")
        if columns[6] != "EMPTYCAND":
            identifier, prob, title = columns[6].split(",", 2)
            columns[-1] = f"1,{identifier},{prob},{title}"
        changed.append("\t".join(columns))
    (tmp_path / "other.csv").write_text("\n".join(changed) + "\n", encoding="utf-8")
    source = _source(files, encoder=str(files / "bert"))
    first, second = load_linking(source), load_linking(replace(source, test=str(tmp_path / "other.csv")))
    assert (first.mentions.gold != second.mentions.gold).any()
    np.testing.assert_array_equal(first.inputs.features, second.inputs.features)


def test_a_training_mention_does_not_see_its_own_context(files):
    """Mean contexts of candidates leave out the mention's document, so that gold and others are treated alike."""
    data = load_linking(_source(files, encoder=str(files / "bert")))
    known = data.inputs.features[:, data.inputs.names.index("contexts known")]
    mentions, train = data.mentions, data.split == "train"
    mention, entity = mentions.cand_mention, mentions.cand_entity
    for at in range(mentions.num_candidates):
        others = train & (mentions.gold == entity[at]) & (mentions.doc != mentions.doc[mention[at]])
        assert known[at] == float(others.any())


def test_source_refuses():
    for options, message in (
        ({"dataset": "wiki-el", "cache": "a"}, "cache must be given with encoder"),
        ({"dataset": "aida", "encoder": "a", "pool": "mask"}, "pool must be 'mean' without an encoder of contexts"),
        ({}, "exactly one of dataset and train must be given, got none"),
        ({"dataset": "msnbc"}, "dataset must be one of"),
        ({"train": "a"}, "train and test must be given together"),
        ({"dataset": "aida", "features": ("gold_type",)}, "features must be distinct and among"),
        ({"dataset": "synthetic", "encoder": "a"}, "encoder must be left out"),
    ):
        with pytest.raises(ValueError, match=message):
            LinkingSource(**options)


def test_encoder_absent(files):
    with pytest.raises(FileNotFoundError, match="nothing is downloaded"):
        load_linking(_source(files, encoder=str(files / "no-model")))
