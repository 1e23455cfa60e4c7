"""Models that link mentions to entities: one by one, jointly within a document, and along links between entities."""

from .base import GROUPS, Linker, LinkTables, probabilities
from .config import LinkConfig, LinkGlobalConfig, LinkGraphConfig, LinkLocalConfig
from .link_global import LinkGlobal
from .link_graph import LinkGraph
from .link_local import LinkLocal

__all__ = [
    "GROUPS",
    "LinkConfig",
    "LinkGlobal",
    "LinkGlobalConfig",
    "LinkGraph",
    "LinkGraphConfig",
    "LinkLocal",
    "LinkLocalConfig",
    "LinkTables",
    "Linker",
    "probabilities",
]
