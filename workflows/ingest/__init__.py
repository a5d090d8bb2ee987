"""Ingest: what people have already calculated, read where it lies and put beside what is computed here."""
