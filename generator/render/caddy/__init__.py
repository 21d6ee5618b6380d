"""caddy/: the entrance of the stack and its pages."""
