"""Plots: free-energy diagrams, volcanoes and networks of reactions, as PNG or SVG."""
