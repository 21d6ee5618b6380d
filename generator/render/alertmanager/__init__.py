"""alertmanager/: routes, messages, inhibition."""
