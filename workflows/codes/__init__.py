"""Codes: programs of density functional theory that run here, each behind an ASE calculator."""
