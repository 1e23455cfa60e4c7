"""Tests of the readers of text between tabs, and of the data sets that they read."""

from __future__ import annotations

import gzip
import json

import pytest

from graphvid.data import WikiMentions
from graphvid.data._text import read_lines, read_tsv, to_integers


def test_lines_keep_the_breaks_that_titles_have(tmp_path):
    path = tmp_path / "text.tsv.gz"
    path.write_bytes(gzip.compress('a\tb\r\n1\u2028\t"x\n'.encode()))
    assert read_lines(path, "text") == ["a\tb", '1\u2028\t"x']
    assert read_tsv(path, ["b", "a"]).to_numpy().tolist() == [['"x', "1\u2028"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\tc\n1\t2\n", r"text\.tsv must have the columns \['a', 'b'\], each once, got \['a', 'c'\]"),
        (b"a\tb\ta\n1\t2\t3\n", r"must have the columns \['a', 'b'\], each once, got \['a', 'b', 'a'\]"),
        (b"a\tb\n1\t2\n1\n", r"text\.tsv line 3 must have 2 fields, got 1"),
        (b"a\tb\n1\t\xff\n", r"text\.tsv must be UTF-8, got byte 0xff at 6"),
    ],
)
def test_bad_tables(tmp_path, content, message):
    path = tmp_path / "text.tsv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_tsv(path, ["a", "b"])


def test_integers_are_not_cut_or_rounded():
    assert to_integers("n", ["-7", str(2**63 - 1)]).tolist() == [-7, 2**63 - 1]
    for text in ("", "1.5", "1x", "07", str(2**63)):
        with pytest.raises(ValueError, match=rf"n must hold integers of 64 bits, got '{text}' in row 1"):
            to_integers("n", ["1", text])


@pytest.fixture
def wiki(tmp_path):
    """Write a data set of one document and one mention, with a change to a file."""

    def write(**changes):
        files = {
            "documents.jsonl": json.dumps({"doc": 5, "text": "Paris is a city"}) + "\n",
            "mentions.tsv": "mention\tdoc\tstart\tend\tsurface\tgold_qid\tgold_name\tgold_type\n"
            "0\t5\t0\t5\tParis\tQ90\tParis\tcity\n",
            "candidates.tsv": "mention\tcand_qid\tcand_name\n0\tQ90\tParis\n",
        }
        folder = tmp_path / "wiki_el"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            old, new = changes.get(name.partition(".")[0], ("", ""))
            assert old in text
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.replace(old, new, 1).encode()))
        return tmp_path

    return write


def test_mentions_of_texts(wiki):
    data = WikiMentions(wiki())
    assert (data.mentions.entity_names.tolist(), data.mentions.right.tolist()) == (["Paris"], [" is a city"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"documents": ("doc", "id")},
            r"line 1 of .*documents\.jsonl\.gz is not an object with a 'doc' and its 'text'",
        ),
        ({"mentions": ("\t0\t5\tP", "\t0\tx\tP")}, r"mentions\.tsv\.gz: end must hold integers of 64 bits, got 'x'"),
        ({"mentions": ("0\t5\t0", "0\t6\t0")}, r"mention 0: text\[0:5\] of document 6 must be 'Paris', got ''"),
        ({"mentions": ("\t0\t5\tP", "\t-15\t5\tP")}, r"mention 0: text\[-15:5\] of document 5 must be 'Paris'"),
        ({"candidates": ("0\tQ", "1\tQ")}, r"candidates\.tsv\.gz: mention must be in \[0, 1\)"),
    ],
)
def test_bad_mentions_of_texts(wiki, change, message):
    with pytest.raises(ValueError, match=message):
        WikiMentions(wiki(**change))
