"""Nouns, and the reference data they stand on: no calculator, no database."""
