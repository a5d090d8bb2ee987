"""Trends over many sites: scaling relations, activity as a function of descriptors, Pareto fronts."""
