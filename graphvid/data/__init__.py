"""Files and tables to validated tables and arrays: watch logs, features, data sets. Knows no graph library."""

from graphvid.data.amazon import AmazonCoPurchase
from graphvid.data.clip_features import ClipFeatures
from graphvid.data.edges import read_edges
from graphvid.data.features import Features, load_features
from graphvid.data.ogb_graph import OGBGraph
from graphvid.data.relational import RelationalData
from graphvid.data.standardizer import Standardizer
from graphvid.data.synthetic import SyntheticCoWatch
from graphvid.data.tiktok import TikTok
from graphvid.data.watch_log import WatchLog
from graphvid.data.windows import LogWindows, check_no_leak, split_by_time

__all__ = [
    "AmazonCoPurchase",
    "ClipFeatures",
    "Features",
    "LogWindows",
    "OGBGraph",
    "RelationalData",
    "Standardizer",
    "SyntheticCoWatch",
    "TikTok",
    "WatchLog",
    "check_no_leak",
    "load_features",
    "read_edges",
    "split_by_time",
]
