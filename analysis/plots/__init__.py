"""Plots for papers, as PNG, SVG or PDF: trends over many sites, free energies of few, networks, stability fields."""
