"""Commands about data: what is stored, pulled out by question, by site, or as files for other programs."""

from __future__ import annotations
