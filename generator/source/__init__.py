"""YAML text to plain data with positions, and plain data to the text of rendered files."""
