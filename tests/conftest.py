"""Settings that must be made before any test is collected."""

import os
import warnings
from pathlib import Path

import pytest

os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it when it is first imported, which any test may do
if "PYTEST_XDIST_WORKER" in os.environ:  # tests run in several processes: one thread each, unless a test asks for more
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that may take longest, so that processes beside each other end together."""
    items.sort(key=lambda item: -mark.args[0] if (mark := item.get_closest_marker("timeout")) else 0)


@pytest.fixture(scope="session")
def poi_data() -> str:
    """The folder that holds ``poi_checkins``."""
    root = os.environ.get("GRAPHVID_DATA", "")
    if not (Path(root) / "poi_checkins" / "nyc_tsmc2014_checkins.csv.gz").is_file():
        pytest.skip("GRAPHVID_DATA has no poi_checkins")
    return root


@pytest.fixture(scope="session")
def fit_model():
    """Train a model, to the end or to a step, from the start or a checkpoint, and save it there; gives the losses."""
    from lightning import Callback, Trainer

    from graphvid.runs import SafetensorsCheckpointIO
    from graphvid.runs.callbacks import Checkpoint

    class Losses(Callback):
        """The loss of every step."""

        def __init__(self):
            self.values = []

        def on_train_batch_end(self, trainer, *_):
            self.values.append(float(trainer.callback_metrics["loss"]))

    def fit(model, *, steps=-1, checkpoint=None, save=None, callbacks=()):
        losses = Losses()
        callbacks = [losses, *callbacks, *([] if save is None else [Checkpoint(save, steps)])]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*does not have many workers.*")
            Trainer(
                max_steps=steps, max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                enable_model_summary=False, accelerator="cpu", callbacks=callbacks, plugins=[SafetensorsCheckpointIO()],
            ).fit(model, ckpt_path=checkpoint)  # fmt: skip
        return losses.values

    return fit
