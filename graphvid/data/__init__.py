"""Files and tables to validated tables and arrays: watch logs, features, data sets. Knows no graph library."""

from graphvid.data._ids import hash_ids, match_ids
from graphvid.data.amazon import AmazonCoPurchase
from graphvid.data.amazon_electronics import AmazonElectronics
from graphvid.data.clip_features import ClipFeatures
from graphvid.data.clip_files import read_clip_files
from graphvid.data.edges import read_edges
from graphvid.data.features import Features, load_features
from graphvid.data.gowalla import Gowalla
from graphvid.data.interaction_files import read_interactions, read_splits
from graphvid.data.interaction_splits import InteractionSplits
from graphvid.data.interactions import Interactions
from graphvid.data.kuai import read_frame_release, read_kuairand, read_kuairec
from graphvid.data.labels import read_labels
from graphvid.data.log_and_features import LogAndFeatures, read_log_and_features
from graphvid.data.ogb_graph import OGBGraph
from graphvid.data.relational import RelationalData
from graphvid.data.segmm import SegmentLabels, SegMM
from graphvid.data.standardizer import Standardizer
from graphvid.data.synthetic import SyntheticCoWatch
from graphvid.data.synthetic_skip import SyntheticSkip
from graphvid.data.tiktok import TikTok
from graphvid.data.watch_log import WatchLog
from graphvid.data.windows import LogWindows, check_no_leak, split_by_time

__all__ = [
    "AmazonCoPurchase",
    "AmazonElectronics",
    "ClipFeatures",
    "Features",
    "Gowalla",
    "InteractionSplits",
    "Interactions",
    "LogAndFeatures",
    "LogWindows",
    "OGBGraph",
    "RelationalData",
    "SegMM",
    "SegmentLabels",
    "Standardizer",
    "SyntheticCoWatch",
    "SyntheticSkip",
    "TikTok",
    "WatchLog",
    "check_no_leak",
    "hash_ids",
    "load_features",
    "match_ids",
    "read_clip_files",
    "read_edges",
    "read_frame_release",
    "read_interactions",
    "read_kuairand",
    "read_kuairec",
    "read_labels",
    "read_log_and_features",
    "read_splits",
    "split_by_time",
]
