"""Benchmarks: `quality` compares what methods find, `speed` what they cost, each beside its baselines in the same run."""
