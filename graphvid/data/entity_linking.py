"""Readers of two data sets of mentions: AIDA candidates without text, and Wikipedia sentences with text."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graphvid._checks import node_ids
from graphvid._files import read_npz, reading
from graphvid.data._files import find_files, integers, with_path
from graphvid.data._text import read_lines, read_tsv, to_integers
from graphvid.data.mentions import UNKNOWN, Mentions

_AIDA = "the GitHub repository masha-p/PPRforNED, with candidates sorted anew"
_WIKI = "the GitHub repository ad-freiburg/elevant"
_CONTEXT = 1000  # characters kept on each side of a mention


class AidaCandidates:
    """AIDA-CoNLL mentions, their candidate Wikipedia pages, and the links between these pages; without the text.

    Parameters
    ----------
    data_dir : str or pathlib.Path, optional
        Folder that holds ``aida_candidates/``. Default: the environment variable GRAPHVID_DATA. Nothing is downloaded.

    Attributes
    ----------
    mentions : Mentions
        Without priors and contexts. Entity ids are numbers of Wikipedia pages. A gold that is no candidate is -2.
    split : ndarray of object, shape (num_mentions,)
        ``"train"``, ``"testa"`` (for validation) or ``"testb"``.
    entity_type : ndarray of object, shape (num_entities,)
        ``"PER"``, ``"ORG"``, ``"GPE"`` or ``"UNK"`` (59 %).
    in_links, out_links : ndarray of int64, shape (num_entities,)
        Links of the page in the whole of Wikipedia.
    popularity : ndarray of float64, shape (num_entities,)
        Popularity in Freebase; NaN if missing.
    link_src, link_dst : ndarray of int64, shape (num_links,)
        Links between candidates.

    Raises
    ------
    FileNotFoundError
        A file is not there.
    ValueError
        A corrupt file, numbers out of range.

    Notes
    -----
    30,428 mentions in 1,392 documents, 36,545 entities, 378,513 candidates. The gold is almost always a candidate, which
    makes the accuracy too high.

    References
    ----------
    Pershina, He and Grishman, "Personalized Page Rank for Named Entity Disambiguation", NAACL 2015; gold links of
    Hoffart et al., EMNLP 2011.
    """

    name = "aida-candidates"

    def __init__(self, data_dir: str | Path | None = None) -> None:
        names = ["entities.tsv.gz", "mentions.tsv.gz", "candidates.npz"]
        entity_path, mention_path, array_path = find_files(data_dir, "aida_candidates", names, _AIDA)
        columns = ["entity", "wiki_page_id", "title", "type", "in_links", "out_links", "freebase_popularity"]
        entities = read_tsv(entity_path, columns)
        rows = read_tsv(mention_path, ["mention", "doc", "split", "surface", "gold_entity"])
        arrays = read_npz(array_path, ("cand_indptr", "cand_entity", "link_src", "link_dst"))
        path = entity_path
        try:
            pages, self.in_links, self.out_links = (
                to_integers(name, entities[name]) for name in ("wiki_page_id", "in_links", "out_links")
            )
            self.popularity = np.array([float(text) if text else np.nan for text in entities["freebase_popularity"]])
            self.entity_type = entities["type"].to_numpy()
            path = mention_path
            doc, gold = (to_integers(name, rows[name]) for name in ("doc", "gold_entity"))
            self.split = rows["split"].to_numpy()
            path = array_path
            titles = [title.replace("_", " ") for title in entities["title"]]
            indptr, candidates = (integers(arrays, name, 1) for name in ("cand_indptr", "cand_entity"))
            self.mentions = Mentions(doc, list(rows["surface"]), gold, indptr, candidates, pages, titles)
            self.link_src, self.link_dst = (
                node_ids(name, arrays[name], self.mentions.num_entities, "(num_links,)")
                for name in ("link_src", "link_dst")
            )
            if len(self.link_src) != len(self.link_dst):
                raise ValueError(
                    f"link_src and link_dst must have equal lengths, got {len(self.link_src)} and {len(self.link_dst)}"
                )
        except (TypeError, ValueError) as error:
            raise with_path(error, path) from None


class WikiMentions:
    """Mentions in sentences of Wikipedia (Wiki-Fair v2, KORE 50, OKE 2016), with text and gold types.

    Parameters
    ----------
    data_dir : str or pathlib.Path, optional
        Folder that holds ``wiki_el/``. Default: the environment variable GRAPHVID_DATA. Nothing is downloaded.

    Attributes
    ----------
    mentions : Mentions
        Without priors; ``left`` and ``right`` are up to 1,000 characters of the document. Entity ids are those of Wikidata.
        A gold that is an entity here but no candidate of its mention keeps its number; others are -2.
    start, end : ndarray of int64, shape (num_mentions,)
        Place in the text of the document. Mentions may lie inside others (nested); each is linked separately.
    texts : dict of str, by document
    gold_type : ndarray of object, shape (num_mentions,)
        Wikidata classes of the gold joined by ``|``. Only for evaluation: the data have it only for gold entities, so do not
        use it as a feature.

    Raises
    ------
    FileNotFoundError
        A file is not there.
    ValueError
        A corrupt file, or offsets that do not match the surface.

    Notes
    -----
    366 documents, 2,930 mentions; 2,250 have candidates, 2,116 have the gold among them. The reader ignores the columns
    ``refined_rank`` and ``n_linkers``, which are answers of other linkers.

    References
    ----------
    Bast, Hertel and Prange, "A Fair and In-Depth Evaluation of Existing End-to-End Entity Linking Systems", EMNLP 2023.
    """

    name = "wiki-el"

    def __init__(self, data_dir: str | Path | None = None) -> None:
        names = ["documents.jsonl.gz", "mentions.tsv.gz", "candidates.tsv.gz"]
        doc_path, mention_path, cand_path = find_files(data_dir, "wiki_el", names, _WIKI)
        self.texts: dict[int, str] = {}
        for number, line in enumerate(read_lines(doc_path, "documents, a JSON object a line"), 1):
            with reading(doc_path, "an object with a 'doc' and its 'text'", f"line {number}"):
                document = json.loads(line)
                self.texts[int(document["doc"])] = str(document["text"])
        columns = ["mention", "doc", "start", "end", "surface", "gold_qid", "gold_name", "gold_type"]
        rows = read_tsv(mention_path, columns)
        candidates = read_tsv(cand_path, ["mention", "cand_qid", "cand_name"])
        path = mention_path
        try:
            doc, self.start, self.end = (to_integers(name, rows[name]) for name in ("doc", "start", "end"))
            docs: list[int] = doc.tolist()
            surfaces = [self.texts.get(at, "")[start:end] for at, start, end in zip(docs, self.start, self.end)]
            for number, (found, surface) in enumerate(zip(surfaces, rows["surface"])):
                if found.replace('"', "'") != surface or not 0 <= self.start[number] <= self.end[number]:
                    place = f"text[{self.start[number]}:{self.end[number]}] of document {docs[number]}"
                    raise ValueError(f"mention {number}: {place} must be {surface!r}, got {found[:50]!r}")
            self.gold_type = rows["gold_type"].to_numpy()
            path = cand_path
            entity = candidates.drop_duplicates("cand_qid").sort_values("cand_qid")
            ids = pd.Index(entity["cand_qid"])
            gold = ids.get_indexer(pd.Index(rows["gold_qid"]))
            mention = node_ids("mention", to_integers("mention", candidates["mention"]), len(rows), "(num_candidates,)")
            order = np.argsort(mention, kind="stable")
            indptr = np.concatenate([[0], np.cumsum(np.bincount(mention, minlength=len(rows)))])
            self.mentions = Mentions(
                doc,
                surfaces,
                np.where(gold < 0, UNKNOWN, gold),
                indptr,
                ids.get_indexer(pd.Index(candidates["cand_qid"]))[order],
                ids,
                list(entity["cand_name"]),
                left=[self.texts[at][max(0, start - _CONTEXT) : start] for at, start in zip(docs, self.start)],
                right=[self.texts[at][end : end + _CONTEXT] for at, end in zip(docs, self.end)],
            )
        except (TypeError, ValueError) as error:
            raise with_path(error, path) from None


def document_folds(num_docs: int, num_folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of every document, shape (num_docs,): random by ``seed``, with sizes that differ by at most one."""
    fold: NDArray[np.int64] = np.random.default_rng(seed).permutation(num_docs) % num_folds
    return fold
