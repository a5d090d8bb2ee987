"""Clusters: ligands, nodes and what they are put together from."""
