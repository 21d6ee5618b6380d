"""What `lookout connect` prints: the lines that belong on the side of an app, a database, a sender of log lines."""
