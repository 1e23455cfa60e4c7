"""Models that learn short codes of items from features: without labels (MeCoQ), or with labels and levels of detail."""

from .base import ItemBatch, Quantization
from .coder import Coder, build_coder, coder_of
from .config import ContrastiveQuantizationConfig, PyramidQuantizationConfig, QuantizationConfig
from .contrastive import CodeEncoder, ContrastiveQuantization
from .drift import DriftProbe
from .item_features import nearest_items, walk
from .pyramid import PyramidHybridPoolingQuantization, StandardizeLevels

__all__ = [
    "CodeEncoder",
    "Coder",
    "ContrastiveQuantization",
    "ContrastiveQuantizationConfig",
    "DriftProbe",
    "ItemBatch",
    "PyramidHybridPoolingQuantization",
    "PyramidQuantizationConfig",
    "Quantization",
    "QuantizationConfig",
    "StandardizeLevels",
    "build_coder",
    "coder_of",
    "nearest_items",
    "walk",
]
