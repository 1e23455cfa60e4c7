"""One model that learns vectors of clips without labels; MoCo, SimCLR, triplets, BE, DSM, VTDL and STCR are its recipes."""

from .config import (
    RECIPES,
    BEConfig,
    BEReleasedConfig,
    ClipConfig,
    DSMConfig,
    MoCoConfig,
    MotionContrastConfig,
    SimCLRConfig,
    STCRConfig,
    TripletConfig,
    VTDLConfig,
)
from .model import ClipContrast, VideoBatch
from .network import DifferenceInput, build_clip_encoder, check_videos, clip_refs, embed_videos, encode_refs
from .recipes import ViewBatch, ViewMaker, edge_recipe
from .scenes import scene_clusters

__all__ = [
    "RECIPES",
    "BEConfig",
    "BEReleasedConfig",
    "ClipConfig",
    "ClipContrast",
    "DSMConfig",
    "DifferenceInput",
    "MoCoConfig",
    "MotionContrastConfig",
    "STCRConfig",
    "SimCLRConfig",
    "TripletConfig",
    "VTDLConfig",
    "VideoBatch",
    "ViewBatch",
    "ViewMaker",
    "build_clip_encoder",
    "check_videos",
    "clip_refs",
    "edge_recipe",
    "embed_videos",
    "encode_refs",
    "scene_clusters",
]
