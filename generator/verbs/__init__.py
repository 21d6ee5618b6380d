"""The commands: a module or a room for each."""
