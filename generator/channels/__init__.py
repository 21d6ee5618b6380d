"""The messengers: a module each, which holds everything special about it."""
