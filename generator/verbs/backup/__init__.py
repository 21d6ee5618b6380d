"""Backups: is the newest dump whole, and does it come back? Recorded as facts, judged by the pack of that name."""
