"""Backups: is the newest dump complete, and can it be restored? Recorded as textfile metrics, which the pack of that
name evaluates."""
