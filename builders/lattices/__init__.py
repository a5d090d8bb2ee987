"""Lattices: sheets, layers and the holes in them, which several families are built on."""
