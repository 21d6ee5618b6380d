"""What all writing goes through: paths that stay in their tree, locks, whole files, and several files as one change.

Owns how bytes reach the disk, and no word of what is in them. Jobs call some of it from cron: the standard library and
generator.diagnostics alone are imported here.
"""
