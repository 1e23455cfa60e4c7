"""What must be set before any test is collected."""

import os

os.environ["TRITON_INTERPRET"] = "1"  # Triton reads it when it is first imported, which any test may do
