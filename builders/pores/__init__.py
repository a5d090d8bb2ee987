"""Pores: cavities of frameworks, and the guests that fit in."""
