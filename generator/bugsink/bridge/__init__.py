"""The bridge: what Bugsink says of an issue becomes an alert in Alertmanager.

A program of its own that runs in a container of its own, with nothing but Python's standard library: it imports nothing
of ours and reads the services from a rendered file. `python -m bridge CONFIG TOKEN_FILE`.
"""
