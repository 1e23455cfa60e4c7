"""Reader of the Gowalla check-ins in the split of NGCF and LightGCN."""

from __future__ import annotations

from pathlib import Path

from graphvid.data._files import find_files
from graphvid.data.interaction_files import read_parts
from graphvid.data.interaction_splits import InteractionSplits

_SOURCE = "the GitHub repository gusye1234/LightGCN-PyTorch (data/gowalla), compressed by gzip"


class Gowalla(InteractionSplits):
    """Check-ins of users at places, in the split of LightGCN, SimpleX and BARS (``gowalla_m1``).

    29,858 users, 40,981 items, 810,128 training and 217,242 test interactions. Every user and item occurs in training
    and every user in test; no pair occurs twice. There is no validation split: the literature chooses options on the test
    split. Instead hold one out of ``train`` (`Interactions.hold_out`). There are no times and no coordinates.

    Parameters
    ----------
    data_dir : str or pathlib.Path, optional
        Folder that holds ``gowalla/train.txt.gz`` and ``gowalla/test.txt.gz``, in the form of `read_interactions`.
        Default: the environment variable GRAPHVID_DATA. Nothing is downloaded.

    Attributes
    ----------
    name : str
        ``"gowalla"``.
    train, test : Interactions
    validation : None

    Raises
    ------
    FileNotFoundError
        A file is not there; names the expected files and their source.
    ValueError
        A corrupt file, a repeated pair.

    Notes
    -----
    Published for LightGCN: Recall@20 .1830, NDCG@20 .1554. The source states no licence; treat the data as for research.

    References
    ----------
    Cho, Myers and Leskovec, "Friendship and mobility", KDD 2011. Wang et al., "Neural graph collaborative filtering",
    SIGIR 2019. He et al., "LightGCN", SIGIR 2020.
    """

    def __init__(self, data_dir: str | Path | None = None) -> None:
        train, test = find_files(data_dir, "gowalla", ["train.txt.gz", "test.txt.gz"], _SOURCE)
        splits = read_parts({"train": train, "test": test})
        super().__init__("gowalla", splits["train"], splits["test"])
