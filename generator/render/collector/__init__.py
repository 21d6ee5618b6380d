"""The collector: logs, container metrics and spans on their way to the stores."""
