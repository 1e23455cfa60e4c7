"""The order of the tutorials: the one to start with first."""

from __future__ import annotations

_ORDER = (
    "plot_relational_graph_clustering.py",
    "plot_frame.py",
    "plot_simplex.py",
    "plot_cross_batch.py",
    "plot_short_codes.py",
    "plot_next_poi.py",
    "plot_entity_linking.py",
    "plot_twin_tower.py",
    "plot_clip_motion.py",
    "plot_affinity_clustering.py",
    "plot_dgl_triplets.py",
    "plot_beyond_memory.py",
    "plot_message_passing.py",
)


class TutorialOrder:
    """Sort key that sphinx-gallery makes for a folder and calls with file names."""

    def __init__(self, src_dir: str) -> None:
        self.src_dir = src_dir

    def __call__(self, filename: str) -> int:
        return _ORDER.index(filename)

    def __repr__(self) -> str:  # sphinx-gallery writes it into its configuration
        return type(self).__name__
