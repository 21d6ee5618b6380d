"""Making the running stack follow the rendered files, and reading back that it does."""
