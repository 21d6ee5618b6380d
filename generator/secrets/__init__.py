"""The secrets of a site: which it needs, what each looks like, and which container reads which."""
