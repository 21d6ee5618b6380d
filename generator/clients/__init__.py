"""What Lookout asks: a module for each program or server, and nothing else talks to it."""
