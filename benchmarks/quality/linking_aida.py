"""Linking of AIDA's candidates, without text: ``python -m benchmarks quality linking_aida``."""

from __future__ import annotations

from benchmarks._table import MeasuredRow, Table, TrainedRow
from benchmarks.quality._linking import baseline, figures
from graphvid.models.linking import LinkGlobalConfig, LinkGraphConfig, LinkLocalConfig
from graphvid.tasks.linking import LinkingSource

SOURCE = LinkingSource(dataset="aida")
LOCAL = LinkLocalConfig(num_epochs=8)

TABLE = Table(
    name="linking_aida",
    title="Linking of AIDA's candidates",
    protocol="In-KB micro accuracy of test b (4,485 mentions); learnt from train, epochs and options by test a. There is no "
    "text: popularity, names and types of candidates, the other mentions of the document, and links between candidates. The "
    "gold is all but always a candidate, which flatters.",
    notes="Type errors: share of the errors whose entity has another of the types PER, ORG, GPE and unknown (59 % of all). The "
    "published figures have the text of the documents, or other candidates.",
    metrics=("accuracy", "type_errors"),
    figures=figures,
    rows=[
        TrainedRow("most in-links", "link-local", SOURCE, LOCAL, "Nothing is learnt.", figures=baseline),
        TrainedRow(
            "link-local", "link-local", SOURCE, LOCAL, "Popularity, names and types; other names of the document."
        ),
        TrainedRow(
            "link-global",
            "link-global",
            SOURCE,
            LinkGlobalConfig(num_epochs=8),
            "Max-product messages over spectral vectors of the links.",
        ),
        TrainedRow("link-graph", "link-graph", SOURCE, LinkGraphConfig(num_epochs=10), "Messages along the links."),
        MeasuredRow(
            "published: personalised PageRank",
            lambda seed, data_dir: {"accuracy": 0.918, "type_errors": None},
            "Pershina et al. 2015, about; the candidates are theirs.",
            reference=True,
            seeded=False,
        ),
    ],
    smallest=[TrainedRow("link-local", "link-local", SOURCE, LinkLocalConfig(hidden=8, num_epochs=1))],
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
