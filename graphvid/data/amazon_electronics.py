"""Reader of the Amazon Electronics reviews in the split of NBPO and SimpleX."""

from __future__ import annotations

from pathlib import Path

from graphvid.data._files import find_files
from graphvid.data.interaction_files import read_parts
from graphvid.data.interaction_splits import InteractionSplits

_SOURCE = "the GitHub repository Wenhui-Yu/NBPO (dataset/amazon/*_data.json), a line 'user item item ...' for each user"
_FILES = {"train": "train.txt.gz", "validation": "val.txt.gz", "test": "test.txt.gz"}


class AmazonElectronics(InteractionSplits):
    """Reviews of products, a set small enough to train on in minutes; NBPO, SimpleX and BARS report on it.

    1,435 users, 1,522 items; 31,887 training, 4,044 validation and 4,044 test interactions. Every user occurs in every
    split and every item in training; no pair occurs twice.

    Parameters
    ----------
    data_dir : str or pathlib.Path, optional
        Folder that holds ``amazon_electronics/train.txt.gz``, ``val.txt.gz`` and ``test.txt.gz``, in the form of
        `read_interactions`. Default: the environment variable GRAPHVID_DATA. Nothing is downloaded.

    Attributes
    ----------
    name : str
        ``"amazon_electronics"``.
    train, validation, test : Interactions

    Raises
    ------
    FileNotFoundError
        A file is not there; names the expected files and their source.
    ValueError
        A corrupt file, a repeated pair.

    Notes
    -----
    Published for SimpleX, with options chosen on the test split: Recall@20 .1457, NDCG@20 .0842. The source states no
    licence; treat the data as for research.

    References
    ----------
    McAuley et al., "Image-based recommendations on styles and substitutes", SIGIR 2015. Yu and Qin, "Sampler design for
    implicit feedback data by noisy-label robust learning", SIGIR 2020.
    """

    def __init__(self, data_dir: str | Path | None = None) -> None:
        paths = find_files(data_dir, "amazon_electronics", list(_FILES.values()), _SOURCE)
        splits = read_parts(dict(zip(_FILES, paths)))
        super().__init__("amazon_electronics", splits["train"], splits["test"], splits["validation"])
