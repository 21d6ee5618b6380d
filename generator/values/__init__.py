"""Single values of services.yaml: how each is written, and what it is once it is read."""
