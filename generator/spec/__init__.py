"""services.yaml as it was typed."""
