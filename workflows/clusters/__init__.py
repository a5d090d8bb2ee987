"""Clusters: how one is described, its scheduler, and what runs in its allocations."""
