"""Configuration of the documentation; build with ``sphinx-build -W --keep-going -b html docs docs/_build/html``.

The build needs no network, downloads nothing, and runs the tutorials on the CPU.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import lightning  # noqa: F401 # sets the level of its loggers when imported
from docutils import nodes

import graphvid

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
# Device notices and a warning inside Lightning about PyTorch would stand in the tutorials' output.
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message=".*LeafSpec")

project = "graphvid"
author = "the graphvid developers"
copyright = "the graphvid developers"
version = release = graphvid.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx-mathjax-offline",
    "results_tables",
    "live_text",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "gallery", "**/sg_execution_times.rst", "sg_execution_times.rst"]
default_role = "py:obj"  # `graphvid.data.WatchLog` in a docstring is a link
# |X| is the size of a cluster in docstrings, not a substitution.
rst_prolog = ".. |X| replace:: \\|X\\|\n.. |Y| replace:: \\|Y\\|\n"
nitpicky = False  # types in docstrings are prose: "ndarray of int64, shape (num_edges,)"

# API reference: one page a room with what its ``__all__`` names, one page a name.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autosummary_context = {"of_models": list(graphvid.models.__all__)}  # a name has one page, that of the upper room
autodoc_typehints = "none"  # numpydoc's Parameters say more than the hints
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False  # the class template lists them
numpydoc_class_members_toctree = False
numpydoc_use_plots = False
viewcode_line_numbers = False
toc_object_entries_show_parents = "hide"

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "tutorials",
    "filename_pattern": r"plot_",
    "abort_on_example_error": True,
    "backreferences_dir": "api/generated/backreferences",
    "doc_module": ("graphvid",),
    "within_subsection_order": "gallery_order.TutorialOrder",
    "ignore_repr_types": r"matplotlib|list",
    "show_memory": False,
    "show_signature": False,
    "remove_config_comments": True,
    "download_all_examples": False,
    "plot_gallery": "True",
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"graphvid {version}"
html_static_path = ["_static"]
html_css_files = ["graphvid.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "logo": {"text": "graphvid"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navigation_with_keys": False,
    "show_nav_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "back_to_top_button": False,
    "pygments_light_style": "tango",
    "pygments_dark_style": "github-dark",
}
_ALONE = (
    "index",
    "install",
    "design",
    "cli",
    "choose",
    "serving",
    "own_graph",
    "tutorials/*",
    "methods/*",
    "results/*",
    "results/quality/*",
)
html_sidebars = {page: [] for page in _ALONE}


def is_left_out(app, what, name, obj, skip, options):
    """Leave out hooks of PyTorch, and the fields of named tuples with Python's own docstring."""
    is_field = (getattr(obj, "__doc__", None) or "").startswith("Alias for field number")
    return True if is_field or name == "extra_repr" else None


def without_mail(app, doctree):
    """Make text again of what docutils takes for an address of mail: Recall@20."""
    for link in list(doctree.findall(nodes.reference)):
        if link.get("refuri", "").startswith("mailto:"):
            link.replace_self(nodes.Text(link.astext()))


def setup(app):
    app.connect("doctree-read", without_mail)
    app.connect("autodoc-skip-member", is_left_out)
