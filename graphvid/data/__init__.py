"""Readers that turn files and tables into validated arrays: watch logs, features, data sets. They need no graph library."""

from graphvid.data._ids import hash_ids, match_ids
from graphvid.data.amazon import AmazonCoPurchase
from graphvid.data.amazon_electronics import AmazonElectronics
from graphvid.data.areas import distance_km, geohash, grid_cells, number_cells
from graphvid.data.attributed_graphs import AttributedGraph
from graphvid.data.candidate_selection import select_candidates
from graphvid.data.check_in_files import (
    CheckInSplits,
    read_dchl,
    read_foursquare_nyc,
    read_lbsn2vec,
    read_tsmc2014,
)
from graphvid.data.check_in_splits import CheckInWindows, filter_check_ins, split_check_ins
from graphvid.data.check_ins import CheckIns, local_time
from graphvid.data.clip_features import ClipFeatures
from graphvid.data.clip_files import read_clip_files
from graphvid.data.clips import ClipRef, ClipSource, check_clip, read_clips
from graphvid.data.deep_ed import read_deep_ed
from graphvid.data.edges import read_edges
from graphvid.data.entity_linking import AidaCandidates, WikiMentions, document_folds
from graphvid.data.feature_files import load_features
from graphvid.data.feature_tables import MappedTable, Table, row_blocks, unit_rows
from graphvid.data.features import Features
from graphvid.data.frame_store import FrameBatch, FrameStore, FrameWriter, pick_frames
from graphvid.data.gowalla import Gowalla
from graphvid.data.id_list import read_id_list
from graphvid.data.interaction_files import read_interactions, read_splits
from graphvid.data.interaction_splits import InteractionSplits
from graphvid.data.interactions import Interactions
from graphvid.data.jhmdb_pose import JHMDBPose, PoseClips, PoseSplit, draw_poses
from graphvid.data.kuai import read_frame_release, read_kuairand, read_kuairec
from graphvid.data.labels import read_labels
from graphvid.data.log_and_features import LogAndFeatures, read_log_and_features
from graphvid.data.mentions import Mentions
from graphvid.data.ogb_graph import OGBGraph
from graphvid.data.pixel_store import PixelStore
from graphvid.data.relational import RelationalData
from graphvid.data.segmm import SegmentLabels, SegMM
from graphvid.data.sick import SICKRelatedness
from graphvid.data.standardizer import StandardizedTable, Standardizer
from graphvid.data.submission import read_submission, write_submission
from graphvid.data.synthetic import SyntheticCoWatch
from graphvid.data.synthetic_check_ins import SyntheticCheckIns
from graphvid.data.synthetic_mentions import SyntheticMentions
from graphvid.data.synthetic_motion import MotionVideos, SyntheticMotion
from graphvid.data.synthetic_skip import SyntheticSkip
from graphvid.data.synthetic_video_pairs import SyntheticVideoPairs
from graphvid.data.tag_vocabulary import TagVocabulary
from graphvid.data.tiktok import TikTok
from graphvid.data.title_tokens import TitleTokenizer, TokenBatch
from graphvid.data.ucf101_clips import UCF101Clips
from graphvid.data.video_files import read_videos
from graphvid.data.video_folder import VideoFolder
from graphvid.data.video_pairs import PairFold, ScoredPairs, read_scored_pairs, split_pairs
from graphvid.data.video_records import IdLists, VideoRecords
from graphvid.data.watch_log import WatchLog
from graphvid.data.windows import LogWindows, check_no_leak, split_by_time

__all__ = [
    "AidaCandidates",
    "AmazonCoPurchase",
    "AmazonElectronics",
    "AttributedGraph",
    "CheckInSplits",
    "CheckInWindows",
    "CheckIns",
    "ClipFeatures",
    "ClipRef",
    "ClipSource",
    "Features",
    "FrameBatch",
    "FrameStore",
    "FrameWriter",
    "Gowalla",
    "IdLists",
    "InteractionSplits",
    "Interactions",
    "JHMDBPose",
    "LogAndFeatures",
    "LogWindows",
    "MappedTable",
    "Mentions",
    "MotionVideos",
    "OGBGraph",
    "PairFold",
    "PixelStore",
    "PoseClips",
    "PoseSplit",
    "RelationalData",
    "SICKRelatedness",
    "ScoredPairs",
    "SegMM",
    "SegmentLabels",
    "StandardizedTable",
    "Standardizer",
    "SyntheticCheckIns",
    "SyntheticCoWatch",
    "SyntheticMentions",
    "SyntheticMotion",
    "SyntheticSkip",
    "SyntheticVideoPairs",
    "Table",
    "TagVocabulary",
    "TikTok",
    "TitleTokenizer",
    "TokenBatch",
    "UCF101Clips",
    "VideoFolder",
    "VideoRecords",
    "WatchLog",
    "WikiMentions",
    "check_clip",
    "check_no_leak",
    "distance_km",
    "document_folds",
    "draw_poses",
    "filter_check_ins",
    "geohash",
    "grid_cells",
    "hash_ids",
    "load_features",
    "local_time",
    "match_ids",
    "number_cells",
    "pick_frames",
    "read_clip_files",
    "read_clips",
    "read_dchl",
    "read_deep_ed",
    "read_edges",
    "read_foursquare_nyc",
    "read_frame_release",
    "read_id_list",
    "read_interactions",
    "read_kuairand",
    "read_kuairec",
    "read_labels",
    "read_lbsn2vec",
    "read_log_and_features",
    "read_scored_pairs",
    "read_splits",
    "read_submission",
    "read_tsmc2014",
    "read_videos",
    "row_blocks",
    "select_candidates",
    "split_by_time",
    "split_check_ins",
    "split_pairs",
    "unit_rows",
    "write_submission",
]
