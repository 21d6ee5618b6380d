"""The messengers: a module each, which holds all that tells it from the others."""
