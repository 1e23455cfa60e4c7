"""The task linking: it finds the entity of a knowledge base that each mention of a document means."""

from .answers import LinkingRun
from .figures import judge_linker, score_linking
from .source import LinkingSource, LoadedLinking, load_linking
from .task import Linking, make_linker

__all__ = [
    "Linking",
    "LinkingRun",
    "LinkingSource",
    "LoadedLinking",
    "judge_linker",
    "load_linking",
    "make_linker",
    "score_linking",
]
