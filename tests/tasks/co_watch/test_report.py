"""The report: it stands alone, shows the figures of the run, and shows names as text."""

from __future__ import annotations

import html
import json
import re
import shutil

import pytest

from graphvid.runs import Plot, Report, RunDirectory, Section, Table, read_training_log, write_report
from graphvid.runs.engine import make_report
from graphvid.tasks.co_watch import CoWatch
from graphvid.tasks.co_watch.report import _CAPTIONS, report


@pytest.fixture
def copy(finished, tmp_path):
    return RunDirectory(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def page(finished):
    return (finished / "report.html").read_text(encoding="utf-8")


def test_nothing_is_fetched(page):
    """References point into the page itself; addresses occur as names of XML vocabularies only."""
    references = re.findall(r"""(?:src|href|action|data|poster)\s*=\s*["']([^"']*)""", page)
    assert all(reference.startswith("#") for reference in references)
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b|@import|url\((?!#)", page)


def test_captions_and_table_values_are_there(page, copy):
    text = html.unescape(page)
    for caption in _CAPTIONS.values():
        assert f"<figcaption>{caption}</figcaption>" in text
    metrics = copy.read_metrics()
    for method, scores in metrics["cold_start"].items():
        assert f"<td>{method}</td>" in text
        for name in ("ndcg", "map", "mrr", "recall", "hit"):
            assert f"<td>{scores[name]:.4f}</td>" in text
    graph = metrics["graph"]
    assert f"<td>edges</td><td>{graph['num_edges']:,}</td><td>{graph['training_edges']:,}</td>" in text
    for level in metrics["clusters"]:
        assert f"<td>level {level['level']}</td><td>{sum(level['clusters']):,}</td>" in text
    assert "<td>triplets</td><td>256</td>" in text
    assert page.count("<svg") == len(_CAPTIONS) + 4  # ranking, vectors, degrees, cluster sizes
    found = {name: scores["ndcg"] for name, scores in metrics["cold_start"].items() if name != "oracle"}
    assert f'<tr class="best"><td>{max(found, key=found.get)}</td>' in text


def test_the_same_files_give_the_same_page(page, copy):
    copy.report.unlink()
    write_report(copy, make_report(CoWatch(), copy))
    assert copy.report.read_text(encoding="utf-8") == page


def test_names_are_text_not_markup(copy):
    config = copy.read_config()
    config["data"]["name"] = "<b>.csv"
    config["source"]["log"] = "/data/<b>.csv & more"
    copy.config.write_text(json.dumps(config))
    write_report(copy, report(copy))
    page = copy.report.read_text(encoding="utf-8")
    assert "<b>" not in page
    assert "&lt;b&gt;.csv" in page
    assert "&amp; more" in page


def test_a_report_of_hand_made_sections(copy):
    table = Table(["a", "b"], [["x<y", "1"], ["z", "2"]], best="z")
    sections = [Section("one", "text", table, [Plot("<svg></svg>", "a < b")]), Section("two")]
    report = Report("T & U", "lead", sections)
    write_report(copy, report)
    assert report.to_text().splitlines() == ["lead", "", "a    b", "x<y  1", "z    2"]
    page = copy.report.read_text(encoding="utf-8")
    assert "<h1>T &amp; U</h1>" in page
    assert "<td>x&lt;y</td>" in page
    assert '<tr class="best"><td>z</td><td>2</td></tr>' in page
    assert "<svg></svg><figcaption>a &lt; b</figcaption>" in page
    assert "<h2>two</h2>" in page


def test_the_training_log_by_columns(copy):
    log = read_training_log(copy)
    assert log["step"] == [3, 6, 8]
    assert len(log["loss"]) == 3
    copy.training_log.write_text("step,loss\n")
    assert read_training_log(copy) == {}


@pytest.mark.parametrize("name", ["metrics.json", "training_log.csv"])
def test_a_missing_file_is_named_and_no_page_is_written(copy, name):
    copy.report.unlink()
    (copy.path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"unfinished run without {name}"):
        write_report(copy, report(copy))
    assert not copy.report.exists()
