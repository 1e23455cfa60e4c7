"""What must be set before any test is collected."""

import os

os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it when it is first imported, which any test may do
if "PYTEST_XDIST_WORKER" in os.environ:  # tests run in several processes: one thread each, unless a test asks for more
    os.environ.setdefault("OMP_NUM_THREADS", "1")
