"""Statements become fingerprints without values, operations, and errors that are a time limit or not."""

import asyncio
import sqlite3
import time
from typing import Any

import pytest
from lookout_instrumentation.statements import MAX_FINGERPRINT, described, is_timeout


@pytest.mark.parametrize(
    ("statement", "operation"),
    [
        ("SELECT 1", "select"),
        ("  \n select * from t", "select"),
        ("(SELECT 1) UNION (SELECT 2)", "select"),
        ("/* app */ -- why\n SELECT 1", "select"),
        ("INSERT INTO t VALUES (1)", "insert"),
        ("UPDATE t SET a = 1", "update"),
        ("DELETE FROM t", "delete"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "select"),
        ("WITH x AS (SELECT 1) SELECT * FROM x FOR UPDATE", "select"),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "insert"),
        ("WITH x AS (SELECT 1) UPDATE t AS u SET a = 1", "update"),
        ("with gone as (delete from t returning *) select * from gone", "delete"),
        ("SELECT 'DELETE FROM t'", "select"),
        ("CREATE TABLE t (a INT)", "other"),
        ("PRAGMA journal_mode", "other"),
        ("", "other"),
        ("?", "other"),
    ],
)
def test_operations(statement: str, operation: str) -> None:
    assert described(statement, "postgresql").operation == operation


@pytest.mark.parametrize(
    ("statement", "fingerprint"),
    [
        ("SELECT  a\n FROM t", "SELECT a FROM t"),
        ("SELECT * FROM t WHERE id = 5 AND x > 1.5e3", "SELECT * FROM t WHERE id = ? AND x > ?"),
        ("SELECT * FROM t WHERE id=5", "SELECT * FROM t WHERE id=?"),
        ("SELECT a1, t2.b FROM t2 LIMIT 10", "SELECT a1, t2.b FROM t2 LIMIT ?"),
        ("SELECT $1, :id_1, %(id_2)s, ?", "SELECT $1, :id_1, %(id_2)s, ?"),
        ("SELECT $1::VARCHAR, :1", "SELECT $1::VARCHAR, :1"),
        ("WHERE mail = 'ann@example.com'", "WHERE mail = ?"),
        ("WHERE name = 'it''s secret' AND b = 'c'", "WHERE name = ? AND b = ?"),
        ("WHERE path = 'C:\\' AND b = 'secret'", "WHERE path = ? AND b = ?"),
        ("WHERE name = E'it\\'s secret' AND b", "WHERE name = ? AND b"),
        ("SELECT $$my secret$$, $q$a $$ b$q$ FROM t", "SELECT ?, ? FROM t"),
        ("SELECT 'secret that never ends", "SELECT ?"),
        ("SELECT $$secret that never ends", "SELECT ?"),
        ("SELECT 1 /* trace=secret */ -- mail\n FROM t", "SELECT ? FROM t"),
        ("SELECT /* secret", "SELECT"),
        ("WHERE id IN (1, 2, 3)", "WHERE id IN (…)"),
        ("WHERE id IN (%(id_1)s, %(id_2)s) AND b", "WHERE id IN (…) AND b"),
        ("WHERE id in ($1::INT, $2::INT)", "WHERE id in (…)"),
        ("WHERE id IN (SELECT id FROM u WHERE a = 3)", "WHERE id IN (SELECT id FROM u WHERE a = ?)"),
        ('SELECT "group" FROM "order"', 'SELECT "group" FROM "order"'),
        ("SELECT X'DEADBEEF', 0xFF", "SELECT ?, ?"),
    ],
)
def test_fingerprints(statement: str, fingerprint: str) -> None:
    assert described(statement, "postgresql").fingerprint == fingerprint


@pytest.mark.parametrize(
    ("statement", "fingerprint"),
    [
        ("WHERE name = 'it\\'s secret' AND b", "WHERE name = ? AND b"),
        ('WHERE name = "secret" AND b', "WHERE name = ? AND b"),
        ("SELECT `order` FROM t # secret", "SELECT `order` FROM t"),
    ],
)
@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
def test_fingerprints_of_mysql(dialect: str, statement: str, fingerprint: str) -> None:
    assert described(statement, dialect).fingerprint == fingerprint


def test_lists_of_any_length_are_one_fingerprint() -> None:
    few, many = (f"SELECT a FROM t WHERE id IN ({', '.join('?' * number)})" for number in (2, 500))
    assert described(few, "sqlite") == described(many, "sqlite")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t VALUES " + ", ".join("(?, ?)" for _ in range(200_000)),
        "SELECT " + "(" * 200_000,
        "SELECT * FROM t WHERE id IN (" * 5000,
        "SELECT '" + "'" * 300_001,
        "SELECT a FROM " + "long_name_" * 100,
    ],
    ids=["rows", "brackets", "lists", "quotes", "names"],
)
def test_long_statements_cost_little_and_are_cut(statement: str) -> None:
    began = time.process_time()
    assert len(described(statement, "postgresql").fingerprint) <= MAX_FINGERPRINT
    assert time.process_time() - began < 0.1


class _Error(Exception):
    def __init__(self, *args: object, **fields: Any) -> None:
        super().__init__(*args)
        self.__dict__.update(fields)


def _locked() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorname = "SQLITE_BUSY"
    return error


def _caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, False),
        (TimeoutError(), True),
        (asyncio.CancelledError(), True),
        (_Error("canceling statement due to statement timeout", sqlstate="57014"), True),
        (_Error("canceling statement due to lock timeout", pgcode="55P03"), True),
        (_Error(1205, "Lock wait timeout exceeded"), True),
        (_Error(3024, "Query execution was interrupted"), True),
        (_locked(), True),
        (_caused(_Error("wrapped"), TimeoutError()), True),
        (_Error("duplicate key", sqlstate="23505"), False),
        (_Error(1062, "Duplicate entry"), False),
        (sqlite3.OperationalError("no such table: t"), False),
        (ValueError(), False),
    ],
    ids=repr,
)
def test_time_limits(error: BaseException | None, expected: bool) -> None:
    assert is_timeout(error) is expected
