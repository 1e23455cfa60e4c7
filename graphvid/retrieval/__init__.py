"""Vectors and codes to indices: search, and ensembles of vectors."""
