"""Descriptors of a site: numbers from its geometry, its elements, its electrons and what it binds."""
