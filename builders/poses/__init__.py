"""Poses: open faces of a site, how an adsorbate stands there, and whether it fits."""
