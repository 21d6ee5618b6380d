"""Addresses of what is watched: where they lie, and the logins that stand in them."""
