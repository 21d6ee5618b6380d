"""Rendered files against the disk: what would change, and the writing of it."""
