"""Benchmarks: `quality` compares what methods find, `speed` what they cost, `peers` other libraries on the same task."""
