"""What each kind of secret looks like: what is taken, what is refused, and that no refusal shows a part of a value."""

from pathlib import Path

import pytest

from generator.net.dsn import DsnError, parse_dsn
from generator.secrets.forms import BY_NAME, FORMS
from generator.secrets.values import UnreadableSecret, cleaned, decoded, read_value

PAGE = Path(__file__).resolve().parents[2] / "docs/errors/apply/secret-form.md"
TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"
SLACK = "https://hooks.slack.com/services/T0AB12CDE/B0FG34HIJ/kLmNoPqRsTuVwXyZ01234567"
FITS = {
    "slack-webhook": (
        SLACK,
        "https://hooks.slack-gov.com/services/T1/B2/x3",
        "https://chat.acme.dev/hooks/abcdefghijklmnopqrstuvwxyz",
        "https://chat.acme.dev/hooks/64f1c0ffee1234567890abcd/" + "x" * 43,
        "https://discord.com/api/webhooks/123456789/abcDEF_-1/slack",
        "http://receivers:8080/services/T000/B000/x",
        "http://10.0.0.5:8065/hooks/x",
    ),
    "telegram-token": (TOKEN,),
    "ping": ("https://hc-ping.com/0b0a5c1e-1111-2222-3333-444455556666", "http://kuma:3001/api/push/x"),
    "postgres-dsn": ("postgresql://u:p@db/app", "postgres://u:p@db.acme.dev:5432/app?sslmode=require"),
    "sentry-dsn": ("https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/4507",
                   "http://0123456789abcdef0123456789abcdef@bugsink:8000/7"),
    "token": ("xK3-_~.+/=!", "a"),
    "key": ("0123456789abcdef",),
    "password": ("p\"a's/s@w:o%r?d$ &#{}", "pässwörd ☃"),
    "web-password": ("x" * 72,),
    "certificate": ("Amazon RDS\n-----BEGIN CERTIFICATE-----\nMIIB\nAA==\n-----END CERTIFICATE-----",),
    "text": ("several\nlines",),
}  # fmt: skip
DISCORD = "https://discord.com/api/webhooks/123456789/planted-planted"
ALWAYS = ("not a url", DISCORD, "-1001234567890", "SLACK=https://planted", "two\nlines", '{"planted": 1}')
REFUSED = {
    "slack-webhook": (*ALWAYS, TOKEN, "https://hooks.slack.com/workflows/T1/A2/3/planted", "https://hooks.slack.com/",
                      "https://acme.webhook.office.com/webhookb2/planted", "http://hooks.slack.com/services/T1/B2/x3",
                      "https://hooks.zapier.com/hooks/catch/123/planted/", "xoxb-123-planted",
                      "https://hooks.slack.com.evil.dev/services/T1/B2/x3", SLACK + " " + SLACK),
    "telegram-token": (*ALWAYS, SLACK, "123456789", "bot" + TOKEN, f"https://api.telegram.org/bot{TOKEN}/getMe"),
    "ping": (*ALWAYS, SLACK, TOKEN, "https://hc-ping.com/", "http://hc-ping.com/planted-uuid", "ftp://a/b"),
    "postgres-dsn": (*ALWAYS, "mysql://a:planted@db/x", "postgresql://a@db/x", "host=db password=planted",
                     "postgresql://u:planted@db1:1,db2:2/x", "postgresql://u:planted@db:99999/x",
                     "postgresql://u:50%planted@db/x", "postgresql://u:p@planted/x@db/y", "postgresql://u:p@h℀x/d",
                     "postgresql://u:p@db/x?sslmode=planted"),
    "sentry-dsn": (*ALWAYS, "https://planted@sentry.io", "http://planted12345@sentry.io/1", SLACK),
    "token": ("two words", "Bearer planted", "zwölf"),
    "key": ("short", "with white space in it"),
    "password": ("two\nlines", "bell\x07"),
    "web-password": ("x" * 73, "ü" * 37),
    "certificate": ("planted", "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----"),
    "text": ("zero\0byte",),
}  # fmt: skip


def test_every_form_is_tried_both_ways_and_stands_in_its_page() -> None:
    assert list(FITS) == list(REFUSED) == [form.name for form in FORMS]
    page = PAGE.read_text(encoding="utf-8")
    for form in FORMS:
        assert f"| {form.what} " in page and f"`{form.example}`" in page, form.name


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in FITS.items() for value in values])
def test_what_fits_is_taken(name: str, value: str) -> None:
    assert BY_NAME[name].problem(value) == ""


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_what_does_not_fit_is_refused_without_a_part_of_it(name: str, value: str) -> None:
    reason = BY_NAME[name].problem(value)
    assert reason
    assert "planted" not in reason and value not in reason


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [("telegram-token", "-1001234567890", "a chat's id"), ("slack-webhook", DISCORD, "Discord"),
     ("slack-webhook", TOKEN, "Telegram bot's token"), ("telegram-token", SLACK, "Slack webhook"),
     ("slack-webhook", f"URL={SLACK}", "NAME=value"), ("sentry-dsn", "postgresql://u:p@db/x", "Postgres"),
     ("ping", SLACK, "Slack webhook"), ("slack-webhook", "xoxb-1-abc", "token of a Slack app")],
)  # fmt: skip
def test_what_it_seems_to_be_is_said(name: str, value: str, seen: str) -> None:
    assert seen in BY_NAME[name].problem(value)


@pytest.mark.parametrize(
    "content",
    [b"value", b"value\n", b"  value \r\n", b"\xef\xbb\xbfvalue\r\n", b'"value"\n', b"'value'", b"`value`",
     "“value”".encode(), b'\xef\xbb\xbf"value"\r\n', "value\u200b\n".encode(), "value\xa0".encode(),
     "value\r\n".encode("utf-16"), b"\xfe\xff" + "value".encode("utf-16-be"), b'" value "'],
)  # fmt: skip
def test_what_editors_leave_around_a_value_is_taken_off(content: bytes) -> None:
    assert decoded(content) == "value"


def test_one_pair_of_quotes_goes_and_no_quote_within() -> None:
    assert cleaned("\"'a'\"") == "'a'"
    assert cleaned("a'b\"") == "a'b\""
    assert cleaned('"') == '"'
    assert cleaned("a\r\nb\rc") == "a\nb\nc"


def test_what_is_no_text_is_refused_in_words(tmp_path: Path) -> None:
    assert read_value(tmp_path / "none") == ""
    for content, reason in ((b"planted\xff", "is not UTF-8 text"), (b"x" * 70_000, "is larger than 64 KiB")):
        (tmp_path / "secret").write_bytes(content)
        with pytest.raises(UnreadableSecret, match=reason) as caught:
            read_value(tmp_path / "secret")
        assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "user", "password", "place"),
    [
        ("postgresql://mon:]Srs|^[P-x@db:5432/postgres", "mon", "]Srs|^[P-x", "db:5432/postgres?"),
        ("postgresql://u:p@ss@db:5432/app", "u", "p@ss", "db:5432/app?"),
        ("postgresql://u:pa#s?s/w@db/app", "u", "pa#s?s/w", "db/app?"),
        ("postgresql://u:a:b c@db", "u", "a:b c", "db/postgres?"),
        ("postgresql://u:h℀x@db/", "u", "h℀x", "db/postgres?"),
        ("postgresql://w%40t:a%2Fb%2525@db/my%20db", "w@t", "a/b%25", "db/my%20db?"),
        ("postgresql+asyncpg://u:p@[fd00::4]:5432/app", "u", "p", "[fd00::4]:5432/app?"),
    ],
)
def test_the_login_ends_at_the_last_at_sign_and_is_decoded_once(
    text: str, user: str, password: str, place: str
) -> None:
    dsn = parse_dsn(text)
    assert (dsn.user, dsn.password) == (user, password)
    assert dsn.place().startswith(place)
    assert user not in repr(dsn) or len(user) < 3
    assert password not in repr(dsn) or len(password) < 3


@pytest.mark.parametrize(
    ("query", "host", "mode"),
    [("", "db", "disable"), ("", "db.acme.dev", "require"), ("?sslmode=prefer", "db", "disable"),
     ("?sslmode=prefer", "db.acme.dev", "require"), ("?sslmode=verify-full", "db", "verify-full"),
     ("?ssl=true", "db", "require"), ("?ssl=false", "db", "disable"), ("?sslmode=disable", "db.acme.dev", "disable")],
)  # fmt: skip
def test_what_a_dsn_leaves_open_of_tls_is_decided_by_where_the_server_is(query: str, host: str, mode: str) -> None:
    assert parse_dsn(f"postgresql://u:p@{host}/a{query}").mode == mode


def test_settings_of_an_apps_own_are_not_sent_to_the_server() -> None:
    text = "postgresql://u:p@db.acme.dev/a?pgbouncer=true&channel_binding=require&options=endpoint%3Dep-1&schema=x"
    assert parse_dsn(text).place() == "db.acme.dev/a?connect_timeout=3&options=endpoint%3Dep-1&sslmode=require"


def test_certificates_to_trust_make_it_strict() -> None:
    dsn = parse_dsn("postgresql://u:p@db.acme.dev/a?sslmode=require")
    assert dsn.place("/run/secrets/tls.ca").endswith(
        "?connect_timeout=3&sslmode=verify-full&sslrootcert=%2Frun%2Fsecrets%2Ftls.ca"
    )
    assert dsn.place("/run/secrets/tls.ca", verify=False).endswith("sslmode=require")


@pytest.mark.parametrize(
    ("query", "plain", "ca", "problem"),
    [("sslmode=disable", False, False, "unencrypted"), ("sslmode=disable", True, False, ""),
     ("sslmode=verify-full&sslrootcert=/x/rds.pem", False, False, "tls: {ca"),
     ("sslmode=verify-full&sslrootcert=/x/rds.pem", False, True, ""),
     ("sslmode=require&sslcert=/x", False, True, "client"), ("sslmode=require", False, False, "")],
)  # fmt: skip
def test_a_dsn_that_the_exporter_cannot_use_is_refused(query: str, plain: bool, ca: bool, problem: str) -> None:
    found = parse_dsn(f"postgresql://u:p@db.acme.dev/a?{query}").problem(plain=plain, ca=ca)
    assert problem in found and bool(problem) == bool(found)


def test_percent_encoding_is_named_where_it_is_needed() -> None:
    for text in ("postgresql://u:p@s/w@db/x", "postgresql://u:50%off@db/x", "postgresql://u:p@a b/x"):
        with pytest.raises(DsnError, match="percent-encode"):
            parse_dsn(text)
