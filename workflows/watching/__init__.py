"""Watching: how a campaign stands, what failed in it and why, and what a person does about it."""
