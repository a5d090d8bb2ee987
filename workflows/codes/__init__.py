"""Codes: programs of density functional theory, each as an entry in the table of calculators."""
