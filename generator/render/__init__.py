"""Renderers: one module for each kind of artefact, each a pure function of the Site. The list is in registry.py."""
