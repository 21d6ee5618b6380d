"""Lines with something secret in them, lines that only look so, and what each must become.

The unit tests hold the Python reading of the rules to this table, the pipeline test the collector's. That one checks no
card numbers: what it masks for nothing is in UNCHECKED. Keys are put
together here so that no scanner takes this file for a leak.
"""

from typing import Final

LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
JWT: Final = f"eyJhbGciOiJIUzI1NiJ9.eyJ{LETTERS[:20]}.{LETTERS[:30]}"
BOT: Final = "110201543:AA" + LETTERS[:33]
STRIPE: Final = "sk_" + "live_" + LETTERS[:24]
SLACK: Final = "xox" + "b-" + "1234567890-" + LETTERS[:20]
GITHUB: Final = "gh" + "p_" + LETTERS[:36]
OPENAI: Final = "sk-" + "proj-" + LETTERS[:30]
AWS: Final = "AK" + "IA" + "ABCDEFGHIJKLMNOP"
PEM: Final = "-----BEGIN RSA PRIVATE" + " KEY-----"

SECRETS: Final[dict[str, tuple[str, str]]] = {
    "a password in JSON": ('{"password":"hunter2","n":1}', '{"password":"[redacted:secret]","n":1}'),
    "a password with quotes in it": (r'{"password": "a\"b", "n": 1}', '{"password": "[redacted:secret]", "n": 1}'),
    "a number as a token": ('{"token": 123456, "n": 1}', '{"token": "[redacted:secret]", "n": 1}'),
    "a camelCase key": ('{"clientSecret":"abc"}', '{"clientSecret":"[redacted:secret]"}'),
    "a line that was cut inside a password": ('{"password":"hunter2 and', '{"password":"[redacted:secret]"'),
    "JSON inside JSON": (
        r'{"message":"{\"api_key\": \"abc\", \"n\": 1}"}',
        r'{"message":"{\"api_key\": \"[redacted:secret]\", \"n\": 1}"}',
    ),
    "a token in encoded JSON": (
        "/cb?state=%7B%22token%22%3A%20%22abc%20def%22%7D&n=1",
        "/cb?state=%7B%22token%22%3A%20%22[redacted:secret]%22%7D&n=1",
    ),
    "a header as a pair": ('{"headers":[["token","abc"]]}', '{"headers":[["token","[redacted:secret]"]]}'),
    "several of a name": ('{"api_keys": ["a", "b"], "n": 1}', '{"api_keys": "[redacted:secret]", "n": 1}'),
    "a password in XML": (
        "<wsse:Password>hunter2</wsse:Password>",
        "<wsse:Password>[redacted:secret]</wsse:Password>",
    ),
    "a password in a form": (
        'form-data; name="password"\\r\\n\\r\\nhunter2\\r\\n--x',
        'form-data; name="password"\\r\\n\\r\\n[redacted:secret]\\r\\n--x',
    ),
    "a header as a Python pair": ("[(b'cookie', b'sid=abc')]", "[(b'cookie', '[redacted:secret]')]"),
    "a password in a field of a form": ("user[password]=hunter2&n=1", "user[password]=[redacted:secret]&n=1"),
    "cookies as a dict": ("cookies={'sid': 'abc'}, n=1", "cookies={[redacted:secret]}, n=1"),
    "a login": ("get(url, auth=('bob', 'hunter2'), n=1)", "get(url, auth=('bob', [redacted:secret]), n=1)"),
    "a login of curl": ("curl -u bob:hunter2 https://x.dev", "curl -u bob:[redacted:secret] https://x.dev"),
    "a login of curl at the end of a text": (
        '{"message":"curl -u bob:hunter2","n":1}',
        '{"message":"curl -u bob:[redacted:secret]","n":1}',
    ),
    "a login of curl in quotes": (
        '{"message":"curl --user \\"bob:hunter2\\" x"}',
        '{"message":"curl --user \\"bob:[redacted:secret]\\" x"}',
    ),
    "a list of one": ('{"password": ["hunter2"], "n": 1}', '{"password": "[redacted:secret]", "n": 1}'),
    "a password by its short name": ("{'user': 'a', 'pass': 'hunter2'}", "{'user': 'a', 'pass': '[redacted:secret]'}"),
    "a password in Ruby": (":password => 'hunter2', n", ":password => [redacted:secret], n"),
    "a password in YAML": ("password: 'hunter two'", "password: [redacted:secret]"),
    "a card with wide gaps": ("4111 - 1111 - 1111 - 1111", "[redacted:card]"),
    "an option": ("psql --db-password hunter2 -c x", "psql --db-password [redacted:secret] -c x"),
    "a password after a colon": ("user bob, password: hunter2, n: 1", "user bob, password: [redacted:secret], n: 1"),
    "a password of a statement": (
        "CREATE USER app IDENTIFIED BY 'hunter2';",
        "CREATE USER app IDENTIFIED BY '[redacted:secret]';",
    ),
    "the parameters of a statement": (
        "[SQL: INSERT INTO x VALUES (?)]\\n[parameters: ('bob', 'hunter2')]\\n(Background)",
        "[SQL: INSERT INTO x VALUES (?)]\\n[parameters: redacted]\\n(Background)",
    ),
    "a key in an address": (
        "https://0123456789abcdef0123456789abcdef@bugsink:8000/1",
        "https://[redacted]@bugsink:8000/1",
    ),
    "a basic login without its header": ("sent basic dXNlcjpwYXNz==", "sent basic [redacted:secret]"),
    "a phone number in a Python dict": ("{'phone': '3331234567'}", "{'phone': '[redacted:phone]'}"),
    "a phone number in a query": ("?mobile=3331234567&n=1", "?mobile=[redacted:phone]&n=1"),
    "a phone number in JSON in JSON": (
        r'{"body": "{\"phone\": \"3331234567\"}"}',
        r'{"body": "{\"phone\": \"[redacted:phone]\"}"}',
    ),
    "an encoded e-mail address": ("?to=bob%40example.com&n=1", "?to=[redacted:email]&n=1"),
    "a card in a name": ("key card_4111111111111111_x", "key card_[redacted:card]_x"),
    "a French phone number": ("call 06 12 34 56 78", "call [redacted:phone]"),
    "a Python dict": ("{'password': 'hunter2', 'n': 1}", "{'password': '[redacted:secret]', 'n': 1}"),
    "a query string": ("GET /x?token=abc123&page=2", "GET /x?token=[redacted:secret]&page=2"),
    "an environment variable": ("DB_PASSWORD=hunter2 PORT=1", "DB_PASSWORD=[redacted:secret] PORT=1"),
    "a quoted assignment": ('password="two words" next', "password=[redacted:secret] next"),
    "a basic login": ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [redacted:secret]"),
    "a cookie": ("Set-Cookie: sid=abc; Path=/", "Set-Cookie: [redacted:secret]"),
    "a key header": ("X-Api-Key: abc123, next", "X-Api-Key: [redacted:secret], next"),
    "another key header": ("X-Auth-Token: opaque, next", "X-Auth-Token: [redacted:secret], next"),
    "a password in an address": (
        "postgres://app:p%40ss@db.acme.dev:5432/x",
        "postgres://app:[redacted:secret]@db.acme.dev:5432/x",
    ),
    "a password without a user": ("redis://:hunter2@cache:6379/0", "redis://:[redacted:secret]@cache:6379/0"),
    "a Slack webhook": (
        "POST https://hooks.slack.com/services/T01/B02/xyz failed",
        "POST https://hooks.slack.com/services/[redacted:secret] failed",
    ),
    "a bot's token in an address": (
        f"https://api.telegram.org/bot{BOT}/sendMessage",
        "https://api.telegram.org/bot[redacted:key]/sendMessage",
    ),
    "a Stripe key": (f"using {STRIPE}", "using [redacted:key]"),
    "a Slack token": (f"({SLACK})", "([redacted:key])"),
    "a GitHub token": (f"clone {GITHUB}.", "clone [redacted:key]."),
    "a model provider's key": (f'"{OPENAI}"', '"[redacted:key]"'),
    "an AWS key after an escaped line break": (rf'{{"m":"id\n{AWS}"}}', r'{"m":"id\n[redacted:key]"}'),
    "a JSON web token": (f"session {JWT} ended", "session [redacted:jwt] ended"),
    "a bearer token that is a JSON web token": (f"Bearer {JWT}", "Bearer [redacted:jwt]"),
    "an opaque bearer token": (f"bearer {LETTERS[:20]}", "bearer [redacted:secret]"),
    "a private key": (rf"{PEM}\nMIIabc+/=\n", "[redacted:key]"),
    "an e-mail address": ("to bob.smith+x@mail.example.co.uk, hi", "to [redacted:email], hi"),
    "an e-mail address after an escaped line break": (r'{"m":"to\nbob@example.com"}', r'{"m":"to\n[redacted:email]"}'),
    "a card behind a number that is none": (
        "order 4111111111111112 card 4111111111111111",
        "order [redacted:card] card [redacted:card]",
    ),
    "a card in groups": ("5500 0000 0000 0004", "[redacted:card]"),
    "an American Express card": ("card:378282246310005.", "card:[redacted:card]."),
    "a phone number": ("call +39 333 123 4567 now", "call [redacted:phone] now"),
    "a phone number in an address": ("to=whatsapp:%2B393331234567", "to=whatsapp:[redacted:phone]"),
    "an American phone number": ("call (415) 555-2671 or 415-555-2671", "call [redacted:phone] or [redacted:phone]"),
    "a phone number that only its field shows": ('{"phone":"3331234567"}', '{"phone":"[redacted:phone]"}'),
}

# What a Python reader leaves, who checks card numbers.
UNCHECKED: Final = {
    "a card behind a number that is none": "order 4111111111111112 card [redacted:card]",
}

LOOK_ALIKES: Final[dict[str, str]] = {
    "counts of tokens": '{"total_tokens": 512, "max_tokens": 64, "token_type": "x"}',
    "whether there is one": '{"password": true, "token": null}',
    "an empty assignment before the end of a string": '{"message":"password=","user":"x"}',
    "a comparison": "if password == other",
    "a sentence about authorization": '{"message":"authorization: denied for user 5"}',
    "a sentence about bearers": "bearer authentication is on",
    "a UUID": "123e4567-e89b-42d3-a456-426614174000",
    "a trace id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "a hash that begins with digits": "4111111111111111ab90cdef",
    "times in milliseconds and nanoseconds": "1763720000000 1763720000000000000",
    "a fraction with many digits": '{"ratio": 0.4111111111111111, "x": 4.111111111111111}',
    "a time with its zone": "2026-11-21T10:00:00.123456+00:00",
    "an access log": '10.0.0.7 - - [21/Nov/2026:10:00:00 +0000] "GET /x HTTP/1.1" 200 345 1234',
    "addresses and ports": "10.20.30.40:5432 192.168.100.200",
    "a picture for fine screens": "GET /static/icon@2x.png",
    "a package and its version": "lodash@4.17.21",
    "a decorator": "  @app.get('/x')",
    "a word that contains a key's prefix": "disk-usage-percentage-over-time-of-day",
    "an address without a password": "redis://cache:6379/0 https://acme.dev/a:b@c",
    "a user of a command, and what stands after it": '{"message":"mysql -u app","request_id":"123e4567-e89b"}',
    "a size in bytes": "+10485760 bytes",
}
