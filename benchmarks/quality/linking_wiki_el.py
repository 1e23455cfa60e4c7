"""Linking in Wikipedia's sentences, five folds: ``python -m benchmarks quality linking_wiki_el --seeds 0 1 2 3 4``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import Table, TrainedRow
from benchmarks.quality._linking import among_candidates, encoder_folder
from graphvid.models.linking import LinkGlobalConfig, LinkLocalConfig
from graphvid.tasks.linking import LinkingSource

SOURCE = LinkingSource(dataset="wiki-el")
LOCAL = LinkLocalConfig(hidden=32, num_epochs=20, learning_rate=0.003, dropout=0.2)


def rows() -> list[TrainedRow]:
    """Give all rows; those with sentence vectors only where the encoder is installed."""
    found = [
        TrainedRow(
            "names",
            "link-local",
            replace(SOURCE, features=("prior",)),
            LOCAL,
            "Names, and the age of the entry in Wikidata.",
        ),
        TrainedRow("names and words", "link-local", SOURCE, LOCAL, "And the words and other mentions of the document."),
    ]
    try:
        with_text = replace(SOURCE, encoder=encoder_folder(), cache="build/linking")
    except FileNotFoundError:
        return found
    return [
        *found,
        TrainedRow("sentence vectors", "link-local", with_text, LOCAL, "And what all-MiniLM finds alike."),
        TrainedRow(
            "sentence vectors, link-global",
            "link-global",
            with_text,
            LinkGlobalConfig(hidden=32, num_epochs=20, dropout=0.2),
            "With messages between mentions.",
        ),
    ]


TABLE = Table(
    name="linking_wiki_el",
    title="Linking in Wikipedia's sentences",
    protocol="Five folds by document (a seed is a fold), a tenth of the documents for the choice of the epoch. Accuracy over "
    "the 2,116 mentions whose gold is a candidate, and over those of them with another candidate (703 have one only). "
    "What other linkers answered is not read.",
    metrics=("accuracy", "ambiguous"),
    figures=among_candidates,
    rows=rows(),
    smallest=[TrainedRow("names and words", "link-local", SOURCE, LinkLocalConfig(hidden=8, num_epochs=1))],
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
