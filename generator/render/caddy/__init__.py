"""caddy/: the endpoint of the stack and its pages."""
