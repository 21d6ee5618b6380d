"""Lookout's compiler: one services.yaml in, everything a monitoring stack needs out."""

__version__ = "0.1.0"
