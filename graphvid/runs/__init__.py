"""The engine of runs: it trains any method of any task and writes all results into a run directory."""

from .checkpoint import SafetensorsCheckpointIO, read_tensors, write_tensors
from .directory import Json, RunDirectory, read_config
from .engine import train
from .keep_best import KeepBest
from .plateau import ReloadOnPlateau
from .report import Plot, Report, Section, Table, read_training_log, write_report
from .run import Data, Run, VectorRun
from .search import export, search
from .task import Method, Part, Parts, Task, Training
from .training import Device
from .vectors import CODES, read_vectors, row_of, rows_of, storable, write_vectors
from .verdict import Verdict, judge, read_verdict

__all__ = [
    "CODES",
    "Data",
    "Device",
    "Json",
    "KeepBest",
    "Method",
    "Part",
    "Parts",
    "Plot",
    "ReloadOnPlateau",
    "Report",
    "Run",
    "RunDirectory",
    "SafetensorsCheckpointIO",
    "Section",
    "Table",
    "Task",
    "Training",
    "VectorRun",
    "Verdict",
    "export",
    "judge",
    "read_config",
    "read_tensors",
    "read_training_log",
    "read_vectors",
    "read_verdict",
    "row_of",
    "rows_of",
    "search",
    "storable",
    "train",
    "write_report",
    "write_tensors",
    "write_vectors",
]
