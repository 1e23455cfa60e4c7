"""The documentation's own code: records of benchmarks become tables, the README's commands are found."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]


def _load(name: str):
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "docs" / "_ext" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


results = _load("results_rst")


@pytest.fixture
def quality() -> dict:
    return {
        "name": "photo",
        "title": "Photo",
        "protocol": "Split 7:3.",
        "date": "2026-01-02",
        "versions": {"torch": "2.13.0"},
        "command": "python -m benchmarks quality photo",
        "seeds": [0, 1],
        "metrics": ["ndcg", "retention"],
        "k": 60,
        "rows": [
            {"name": "raw", "values": {"ndcg": [0.1, 0.1], "retention": [None, None]}},
            {
                "name": "L0",
                "description": "Near.",
                "values": {"ndcg": [0.2, 0.3], "retention": [0.1, 0.3]},
                "seconds": [3, 5],
            },
            {"name": "oracle", "values": {"ndcg": [0.9, 0.9], "retention": [None, None]}, "reference": True},
        ],
    }


def test_a_row_without_a_seed_says_how_many_it_has(quality):
    quality["rows"][1]["values"]["ndcg"] = [0.2, None]
    assert "**0.2000** (1 of 2 seeds)" in results.quality_table(quality)


def test_quality_table_has_mean_deviation_and_the_best_row_in_bold(quality):
    lines = results.quality_table(quality).splitlines()
    cells = [line.split("- ", 1)[1] for line in lines if "- " in line]
    assert [cells[i : i + 4] for i in range(0, len(cells), 4)] == [
        ["row", "NDCG\\@60", "retention", "seconds"],
        ["**raw**", "0.1000 ± 0.0000", "–", "–"],
        ["**L0** — Near.", "**0.2500** ± 0.0707", "0.2000 ± 0.1414", "4"],
        ["**oracle**", "0.9000 ± 0.0000", "–", "–"],
    ]


def test_quality_table_shows_the_metrics_asked_for(quality):
    assert "retention" not in results.quality_table(quality, ["ndcg", "map"])


def test_names_of_metrics_are_words(quality):
    quality |= {"metrics": ["gauc", "row_log_loss"]}
    quality["rows"] = [{"name": "raw", "values": {"gauc": [0.5, 0.7], "row_log_loss": [1.0, 2.0]}}]
    header = results.quality_table(quality).splitlines()[4:7]
    assert [cell.split("- ", 1)[1] for cell in header] == ["row", "GAUC", "row log loss"]


def test_a_figure_that_looks_like_an_address_of_mail_is_text_and_wide_records_are_several_tables(quality):
    quality["metrics"] = ["ndcg", "retention", "recall@3", "a", "b"]
    for row in quality["rows"]:
        row["values"] |= {name: [1.0, 2.0] for name in ("recall@3", "a", "b")}
    first, second = results.quality_tables(quality)
    assert "     - recall\\@3\n" in first
    assert "Near." in first
    assert "seconds" not in first
    assert "     - b\n     - seconds\n" in second
    assert "Near." not in second


def test_the_summary_says_who_is_ahead_in_every_seed(quality, monkeypatch):
    entries = {
        "A": ("ndcg", "L0", "raw"),
        "B": ("ndcg-", "L0", "raw"),
        "C": ("retention", "L0", "raw"),
        "D": ("x",) * 3,
    }
    monkeypatch.setattr(results, "SUMMARY", {name: (name, "photo", *entry) for name, entry in entries.items()})
    quality["rows"][0]["values"]["retention"] = [0.2, 0.2]
    cells = [line[7:] for line in results.summary_table([quality]).splitlines()[4:]]
    rows = [cells[at : at + 5] for at in range(0, len(cells), 5)]
    assert [row[:4] for row in rows[1:]] == [
        ["A", "ahead, 2 seeds", "NDCG\\@60 0.2500", "0.1000 raw"],
        ["B", "behind, 2 seeds", "NDCG\\@60 0.2500", "0.1000 raw"],
        ["C", "level, 2 seeds", "retention 0.2000", "0.2000 raw"],
        ["D", "not measured yet", "", ""],
    ]
    assert rows[1][4] == ":ref:`Photo <result-quality-photo>`"


def test_quality_section_says_how_to_make_it_again(quality):
    text = results.render("quality", quality)
    assert text.startswith(".. _result-quality-photo:\n\nPhoto\n-----\n\nSplit 7:3.")
    assert "   python -m benchmarks quality photo\n" in text
    assert "Measured 2026-01-02; seeds 0, 1, mean ± standard deviation; torch 2.13.0." in text


def test_no_folder_gives_no_records(tmp_path):
    assert results.read_records(tmp_path / "quality") == []


def test_hidden_files_are_not_records(tmp_path, quality):
    folder = tmp_path / "quality"
    folder.mkdir()
    (folder / "photo.json").write_text(json.dumps(quality))
    (folder / ".photo.runs.json").write_text("{}")
    assert [record["name"] for record in results.read_records(folder)] == ["photo"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": None, "metrics": ["map"]}, r"photo.json: row 'raw' must have 2 values of 'map', one a seed, got 0"),
        ({"seeds": None}, r"photo.json: a quality record must have .*, \['seeds'\] are absent"),
    ],
)
def test_a_quality_record_of_another_form_is_an_error(tmp_path, quality, change, message):
    folder = tmp_path / "quality"
    folder.mkdir()
    for key, value in change.items():
        if value is not None:
            quality[key] = value
        elif key != "rows":
            del quality[key]
    (folder / "photo.json").write_text(json.dumps(quality))
    with pytest.raises(ValueError, match=message):
        results.read_records(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "x.json: Expecting property name"),
        ("{}", r"x.json: a speed record must have rows, a list that is not empty, got None"),
        ('{"columns": ["a"], "rows": [[1, 2]]}', r"x.json: row 0 must have 1 cells, one a column, got 2"),
    ],
)
def test_a_speed_record_of_another_form_is_an_error(tmp_path, content, message):
    folder = tmp_path / "speed"
    folder.mkdir()
    (folder / "x.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        results.read_records(folder)


def test_speed_rows_may_be_mappings_and_the_markdown_beside_them_wins(tmp_path):
    folder = tmp_path / "speed"
    folder.mkdir()
    record = {"title": "T", "machine": {"cores": 2}, "rows": [{"edges": 10**6, "ns_an_edge": 43.21}, {"edges": 5}]}
    (folder / "x.json").write_text(json.dumps(record))
    (folder / "x-time.svg").write_text("")
    (read,) = results.read_records(folder)
    assert (read["columns"], read["rows"]) == (["edges", "ns_an_edge"], [[10**6, 43.21], [5, None]])
    text = results.render("speed", read)
    assert "   * - 1,000,000\n     - 43.2\n   * - 5\n     - –" in text
    assert ".. image:: /../benchmarks/results/speed/x-time.svg" in text
    assert "python -m benchmarks speed x" in text
    assert "Cores 2." in text
    (folder / "x.md").write_text(
        "# Of edges\n\n| edges | time |\n|---|---|\n| 1,000 | 8.83e+03 |\n\n## Parts\n\n| part |\n|---|\n| sort |\n"
    )
    (read,) = results.read_records(folder)
    assert "   * - 1,000\n     - 8,830" in results.speed_table(read)
    text = results.render("speed", read)
    assert "Of edges\n--------" in text
    assert "Parts\n\n.. list-table::" in text
    assert "   * - sort" in text


@pytest.mark.parametrize("kind", ["quality", "speed"])
def test_the_records_of_the_repository_can_be_shown(kind):
    for record in results.read_records(REPOSITORY / "benchmarks" / "results" / kind):
        assert "list-table" in results.render(kind, record)


def test_the_commands_of_the_readme_are_found():
    pytest.importorskip("sphinx", reason="needs the extra docs")
    live = _load("live_text")
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "graphvid quickstart" in live.readme_command(readme, "setup")
    assert "pytest" in live.readme_command(readme, "test")
    with pytest.raises(ValueError, match=r"README\.md must have a fenced command below '<!-- ci: other -->', got none"):
        live.readme_command(readme, "other")


def test_the_help_of_a_subcommand_is_plain_text():
    pytest.importorskip("sphinx", reason="needs the extra docs")
    live = _load("live_text")
    assert live.help_of(["train", "rgc"]).startswith("Usage: graphvid train rgc [OPTIONS]")
    with pytest.raises(ValueError, match="command-help must name a subcommand of graphvid, got 'fly'"):
        live.help_of(["fly"])


def test_docstrings_name_the_thing_first():
    asking = re.compile(r"(What|How|Who|Whose|Which|Where|When|Why)\b")
    found = []
    for folder in ("graphvid", "benchmarks"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            if ".venv" in str(path.relative_to(REPOSITORY)):  # the peers' environments
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    said = ast.get_docstring(node) or ""
                    if asking.match(said):
                        found.append(f"{path.name}: {said.splitlines()[0]}")
    assert not found
