"""Families of supports, one module for each kind."""
