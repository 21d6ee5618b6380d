"""The Site: what services.yaml means, complete; and pure functions of it."""
