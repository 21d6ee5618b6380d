"""`lookout logs`: finds lines of all services in Loki, by a request, a user, an error type or any other field.

`query` says what is looked for, `windows` where in time, `loki` asks, `search` does one after the other, `show` makes
text of what was found. Nothing here prints, and nothing here writes to Loki.
"""
