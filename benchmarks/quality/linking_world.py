"""Linking in the generated world: ``python -m benchmarks quality linking_world``."""

from __future__ import annotations

from dataclasses import replace

from benchmarks._table import Table, TrainedRow
from benchmarks.quality._linking import figures
from graphvid.models.linking import LinkGlobalConfig, LinkGraphConfig, LinkLocalConfig
from graphvid.tasks.linking import LinkingSource

SOURCE = LinkingSource(dataset="synthetic")
LOCAL = LinkLocalConfig(num_epochs=8)
GLOBAL = LinkGlobalConfig(num_epochs=20, learning_rate=0.01)

TABLE = Table(
    name="linking_world",
    title="Linking in the generated world",
    protocol="520 documents with 150 ambiguous names, six entities each; 60 documents are the test. Epochs are judged by 60 "
    "others. Type errors: share of the errors whose entity is of another type than the gold's.",
    metrics=("accuracy", "type_errors"),
    figures=figures,
    rows=[
        TrainedRow("prior", "link-local", replace(SOURCE, features=("prior",)), LOCAL, "The prior alone."),
        TrainedRow(
            "prior + long", "link-local", replace(SOURCE, features=("prior", "context")), LOCAL, "And the words around."
        ),
        TrainedRow(
            "prior + bert",
            "link-local",
            replace(SOURCE, features=("prior", "type")),
            LOCAL,
            "And the similarity of contexts.",
        ),
        TrainedRow("all local", "link-local", SOURCE, LOCAL, "All three."),
        TrainedRow("local + global", "link-global", SOURCE, GLOBAL, "Messages over one relation (deep-ed)."),
        TrainedRow(
            "local + global, mulrel",
            "link-global",
            SOURCE,
            replace(GLOBAL, coherence="relations", prior_in_rounds=False),
            "Messages over three relations.",
        ),
        TrainedRow(
            "link-graph", "link-graph", SOURCE, LinkGraphConfig(num_epochs=8), "Messages along the links of entities."
        ),
    ],
    smallest=[TrainedRow("all local", "link-local", SOURCE, LinkLocalConfig(hidden=8, num_epochs=1))],
)


def main(arguments: list[str]) -> None:
    """Run the table."""
    TABLE.main(arguments)
