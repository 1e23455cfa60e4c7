"""Files and tables to validated tables and arrays: watch logs, features, data sets. Knows no graph library."""

from graphvid.data._ids import hash_ids, match_ids
from graphvid.data.amazon import AmazonCoPurchase
from graphvid.data.amazon_electronics import AmazonElectronics
from graphvid.data.clip_features import ClipFeatures
from graphvid.data.clip_files import read_clip_files
from graphvid.data.edges import read_edges
from graphvid.data.features import Features, load_features
from graphvid.data.frame_store import FrameBatch, FrameStore, FrameWriter, pick_frames
from graphvid.data.gowalla import Gowalla
from graphvid.data.interaction_files import read_interactions, read_splits
from graphvid.data.interaction_splits import InteractionSplits
from graphvid.data.interactions import Interactions
from graphvid.data.kuai import read_frame_release, read_kuairand, read_kuairec
from graphvid.data.log_and_features import LogAndFeatures, read_log_and_features
from graphvid.data.ogb_graph import OGBGraph
from graphvid.data.relational import RelationalData
from graphvid.data.segmm import SegmentLabels, SegMM
from graphvid.data.sick import SICKRelatedness
from graphvid.data.standardizer import Standardizer
from graphvid.data.submission import read_submission, write_submission
from graphvid.data.synthetic import SyntheticCoWatch
from graphvid.data.synthetic_skip import SyntheticSkip
from graphvid.data.synthetic_video_pairs import SyntheticVideoPairs
from graphvid.data.tag_vocabulary import TagVocabulary
from graphvid.data.tiktok import TikTok
from graphvid.data.title_tokens import TitleTokenizer, TokenBatch
from graphvid.data.video_files import read_videos
from graphvid.data.video_pairs import PairFold, ScoredPairs, read_scored_pairs, split_pairs
from graphvid.data.video_records import IdLists, VideoRecords
from graphvid.data.watch_log import WatchLog
from graphvid.data.windows import LogWindows, check_no_leak, split_by_time

__all__ = [
    "AmazonCoPurchase",
    "AmazonElectronics",
    "ClipFeatures",
    "Features",
    "FrameBatch",
    "FrameStore",
    "FrameWriter",
    "Gowalla",
    "IdLists",
    "InteractionSplits",
    "Interactions",
    "LogAndFeatures",
    "LogWindows",
    "OGBGraph",
    "PairFold",
    "RelationalData",
    "SICKRelatedness",
    "ScoredPairs",
    "SegMM",
    "SegmentLabels",
    "Standardizer",
    "SyntheticCoWatch",
    "SyntheticSkip",
    "SyntheticVideoPairs",
    "TagVocabulary",
    "TikTok",
    "TitleTokenizer",
    "TokenBatch",
    "VideoRecords",
    "WatchLog",
    "check_no_leak",
    "hash_ids",
    "load_features",
    "match_ids",
    "pick_frames",
    "read_clip_files",
    "read_edges",
    "read_frame_release",
    "read_interactions",
    "read_kuairand",
    "read_kuairec",
    "read_log_and_features",
    "read_scored_pairs",
    "read_splits",
    "read_submission",
    "read_videos",
    "split_by_time",
    "split_pairs",
    "write_submission",
]
