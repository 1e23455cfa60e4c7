"""Metrics of a model: of rankings, searches, two classes, probabilities and watch times, and comparisons of two models."""

from graphvid.metrics.binary import GroupedAUC, UserAUC, auc, auc_by_user, gauc
from graphvid.metrics.bootstrap import BootstrapDifference, bootstrap_gauc, paired_bootstrap
from graphvid.metrics.calibration import (
    CalibrationCurve,
    base_rate_log_loss,
    calibration_curve,
    expected_calibration_error,
    log_loss,
)
from graphvid.metrics.code_usage import CodeUsage, code_usage
from graphvid.metrics.cold_start import ColdStartScores, cold_start, cold_start_by_query
from graphvid.metrics.correlation import SpearmanInterval, bootstrap_spearman, resampled_spearman, spearman
from graphvid.metrics.drift import FeatureDrift, feature_drift
from graphvid.metrics.hazards import SkipClipScores, skip_clip_scores, survival_log_likelihood
from graphvid.metrics.impressions import ImpressionRanks, ImpressionScores, impression_scores, rank_impressions
from graphvid.metrics.item_ranks import drop_excluded, rank_items
from graphvid.metrics.linking import LinkingScores, choose, linking_scores, type_error_share
from graphvid.metrics.neighbor_ranks import rank_neighbors
from graphvid.metrics.ranking import average_precision, hit, ndcg, recall, reciprocal_rank
from graphvid.metrics.ranking_scores import RankingScores, ranking_scores
from graphvid.metrics.retrieval import MeanAveragePrecision, mean_average_precision, one_recall, top_k_overlap
from graphvid.metrics.target_ranks import TargetScores, expected_ranks, target_scores
from graphvid.metrics.top_items import TopItems, dot_product_scorer, top_items
from graphvid.metrics.watch_time import mean_absolute_error, xauc

__all__ = [
    "BootstrapDifference",
    "CalibrationCurve",
    "CodeUsage",
    "ColdStartScores",
    "FeatureDrift",
    "GroupedAUC",
    "ImpressionRanks",
    "ImpressionScores",
    "LinkingScores",
    "MeanAveragePrecision",
    "RankingScores",
    "SkipClipScores",
    "SpearmanInterval",
    "TargetScores",
    "TopItems",
    "UserAUC",
    "auc",
    "auc_by_user",
    "average_precision",
    "base_rate_log_loss",
    "bootstrap_gauc",
    "bootstrap_spearman",
    "calibration_curve",
    "choose",
    "code_usage",
    "cold_start",
    "cold_start_by_query",
    "dot_product_scorer",
    "drop_excluded",
    "expected_calibration_error",
    "expected_ranks",
    "feature_drift",
    "gauc",
    "hit",
    "impression_scores",
    "linking_scores",
    "log_loss",
    "mean_absolute_error",
    "mean_average_precision",
    "ndcg",
    "one_recall",
    "paired_bootstrap",
    "rank_impressions",
    "rank_items",
    "rank_neighbors",
    "ranking_scores",
    "recall",
    "reciprocal_rank",
    "resampled_spearman",
    "skip_clip_scores",
    "spearman",
    "survival_log_likelihood",
    "target_scores",
    "top_items",
    "top_k_overlap",
    "type_error_share",
    "xauc",
]
