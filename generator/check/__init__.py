"""The real tools over a rendered tree, and what they say mapped back to the line that caused it."""
