"""Recipes in, sites out: deterministic, without a calculator."""
