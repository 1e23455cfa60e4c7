"""Speed and memory, beside the peers in the same run."""
