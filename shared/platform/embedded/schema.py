"""The schemas of the two databases, as ordered, named migrations. Never edit a released one: add the next."""

from __future__ import annotations

from typing import NamedTuple

from shared.platform.embedded.fields import type_rank_sql, value_sql


class Migration(NamedTuple):
    name: str
    statements: tuple[str, ...]


IMAGES = "images"
"""The collection with the most documents and writes. Indexes have either its documents or those of all others."""


def index_scope(collection: str) -> str:
    """Return the condition of the indexes that contain a collection's documents.

    SQLite uses such an index for queries with the same condition, and evaluates its keys for no other document.
    """
    return f"collection = '{IMAGES}'" if collection == IMAGES else f"collection <> '{IMAGES}'"


def _document_index(name: str, *keys: str) -> str:
    return f"CREATE INDEX {name} ON documents (collection, {', '.join(keys)}, id)"


def _scoped_index(collection: str, name: str, *keys: str) -> tuple[str, str]:
    """Replace an index by one that contains the documents within the scope of `collection` only."""
    return f"DROP INDEX {name}", f"{_document_index(name, *keys)} WHERE {index_scope(collection)}"


_NEWEST = (type_rank_sql("createdAt"), value_sql("createdAt"))


def _text_sql(path: str, data: str = "data") -> str:
    """Return the SQL of a field's text, "" if it has none."""
    return f"iif(json_type({data}, '$.{path}') = 'text', json_extract({data}, '$.{path}'), '')"


_KEYS = ("owner", "videoId", "model")
_INSERT_WORDS = (
    "INSERT OR IGNORE INTO words SELECT value, new.number FROM json_each(new.data, '$.words') WHERE type = 'text';"
)
_INSERT_KEYED_WORDS = (
    f"INSERT OR IGNORE INTO words SELECT value, new.number, new.collection, {_text_sql('owner', 'new.data')},"  # noqa: S608
    f" {_text_sql('videoId', 'new.data')} FROM json_each(new.data, '$.words') WHERE type = 'text';"
)
_DELETE_WORDS = (
    "DELETE FROM words WHERE document = old.number AND word IN (SELECT value FROM json_each(old.data, '$.words'));"
)
MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "documents",
        (
            "CREATE TABLE documents (collection TEXT NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL,"
            " data TEXT NOT NULL, PRIMARY KEY (collection, id)) STRICT",
            _document_index("documents_by_owner", value_sql("owner"), *_NEWEST),
            _document_index("documents_by_owner_and_status", value_sql("owner"), value_sql("status"), *_NEWEST),
            _document_index("documents_by_owner_and_kind", value_sql("owner"), value_sql("kind"), *_NEWEST),
            _document_index("documents_by_status", value_sql("status")),
            _document_index("documents_by_wake_at", type_rank_sql("wakeAt"), value_sql("wakeAt")),
            _document_index("documents_by_expires_at", type_rank_sql("expiresAt"), value_sql("expiresAt")),
        ),
    ),
    Migration(
        "queue",
        (
            "CREATE TABLE deliveries (id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL,"
            " function TEXT NOT NULL, topic TEXT, bucket TEXT, data TEXT NOT NULL, attributes TEXT NOT NULL,"
            " published_at TEXT NOT NULL, visible_at TEXT NOT NULL, leased INTEGER NOT NULL DEFAULT 0,"
            " count INTEGER NOT NULL DEFAULT 0) STRICT",
            "CREATE INDEX deliveries_by_visible_at ON deliveries (function, visible_at, id)",
            "CREATE TABLE dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL,"
            " function TEXT NOT NULL, topic TEXT, bucket TEXT, data TEXT NOT NULL, attributes TEXT NOT NULL,"
            " published_at TEXT NOT NULL, count INTEGER NOT NULL, died_at TEXT NOT NULL) STRICT",
        ),
    ),
    Migration(
        "objects",
        (
            # AUTOINCREMENT never repeats a number, so a generation also grows after a deletion.
            "CREATE TABLE objects (generation INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL,"
            " name TEXT NOT NULL, blob TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, content_type TEXT NOT NULL,"
            " metadata TEXT NOT NULL, updated TEXT NOT NULL, UNIQUE (bucket, name)) STRICT",
            "CREATE TABLE uploads (id TEXT PRIMARY KEY, bucket TEXT NOT NULL, name TEXT NOT NULL,"
            " content_type TEXT NOT NULL, size INTEGER NOT NULL, blob TEXT NOT NULL UNIQUE,"
            " received INTEGER NOT NULL DEFAULT 0, origin TEXT, expires_at TEXT NOT NULL, resource TEXT) STRICT",
        ),
    ),
    Migration(
        "segments",
        (
            # Numbers of their own, which other tables can refer to: SQLite's own may change.
            "ALTER TABLE documents RENAME TO documents_without_numbers",
            "CREATE TABLE documents (number INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL,"
            " version TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (collection, id)) STRICT",
            "INSERT INTO documents (collection, id, version, data)"
            " SELECT collection, id, version, data FROM documents_without_numbers",
            "DROP TABLE documents_without_numbers",
            _document_index("documents_by_owner", value_sql("owner"), *_NEWEST),
            _document_index("documents_by_owner_and_status", value_sql("owner"), value_sql("status"), *_NEWEST),
            _document_index("documents_by_owner_and_kind", value_sql("owner"), value_sql("kind"), *_NEWEST),
            _document_index("documents_by_status", value_sql("status")),
            _document_index("documents_by_wake_at", type_rank_sql("wakeAt"), value_sql("wakeAt")),
            _document_index("documents_by_expires_at", type_rank_sql("expiresAt"), value_sql("expiresAt")),
            _document_index("documents_by_job", value_sql("jobId"), type_rank_sql("jobId")),
            _document_index(
                "documents_by_video_and_model",
                value_sql("videoId"),
                type_rank_sql("videoId"),
                value_sql("model"),
                type_rank_sql("model"),
            ),
            # What a search reads of a vector: its direction, as floats of 32 bits.
            "CREATE TABLE vectors (document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,"
            " field TEXT NOT NULL, direction BLOB NOT NULL, UNIQUE (document, field)) STRICT",
            # Which segments have a word.
            "CREATE TABLE words (word TEXT NOT NULL, document INTEGER NOT NULL,"
            " PRIMARY KEY (word, document)) STRICT, WITHOUT ROWID",
            "CREATE TRIGGER words_come AFTER INSERT ON documents WHEN new.collection = 'segments'"
            f" BEGIN {_INSERT_WORDS} END",
            "CREATE TRIGGER words_go AFTER DELETE ON documents WHEN old.collection = 'segments'"
            f" BEGIN {_DELETE_WORDS} END",
            "CREATE TRIGGER words_change AFTER UPDATE ON documents WHEN new.collection = 'segments'"
            f" BEGIN {_DELETE_WORDS} {_INSERT_WORDS} END",
        ),
    ),
    Migration(
        "images",
        (
            _document_index("documents_by_dataset", value_sql("datasetId"), type_rank_sql("datasetId")),
            _document_index(
                "documents_by_dataset_and_chunk",
                value_sql("datasetId"),
                type_rank_sql("datasetId"),
                value_sql("chunk"),
                type_rank_sql("chunk"),
            ),
        ),
    ),
    Migration(
        "abandoned deliveries",
        ("CREATE INDEX deliveries_leased ON deliveries (function, visible_at, id) WHERE leased",),
    ),
    Migration("uploads by object", ("CREATE INDEX uploads_by_object ON uploads (bucket, name)",)),
    Migration(
        "search",
        (
            # `change` never repeats, so that a search in memory reads only what is new: see vector_index.py.
            "ALTER TABLE vectors RENAME TO vectors_without_keys",
            "CREATE TABLE vectors (change INTEGER PRIMARY KEY AUTOINCREMENT,"
            " document INTEGER NOT NULL REFERENCES documents (number) ON DELETE CASCADE,"
            " collection TEXT NOT NULL, field TEXT NOT NULL, size INTEGER NOT NULL, owner TEXT NOT NULL,"
            " video TEXT NOT NULL, model TEXT NOT NULL, direction BLOB NOT NULL, UNIQUE (document, field)) STRICT",
            # Read from each document once: a word has many rows.
            "CREATE TABLE keys (number INTEGER PRIMARY KEY, collection TEXT, owner TEXT, video TEXT, model TEXT)",
            f"INSERT INTO keys SELECT number, collection, {', '.join(map(_text_sql, _KEYS))} FROM documents"  # noqa: S608
            " WHERE collection = 'segments' OR number IN (SELECT document FROM vectors_without_keys)",
            "INSERT INTO vectors (document, collection, field, size, owner, video, model, direction)"
            " SELECT document, collection, field, length(direction) / 4, owner, video, model, direction"
            " FROM vectors_without_keys JOIN keys ON number = document",
            "DROP TABLE vectors_without_keys",
            "CREATE INDEX vectors_by_size ON vectors (collection, field, size, change, document)",
            "DROP TRIGGER words_come",
            "DROP TRIGGER words_go",
            "DROP TRIGGER words_change",
            "ALTER TABLE words RENAME TO words_without_keys",
            "CREATE TABLE words (word TEXT NOT NULL, document INTEGER NOT NULL, collection TEXT NOT NULL,"
            " owner TEXT NOT NULL, video TEXT NOT NULL, PRIMARY KEY (word, document)) STRICT, WITHOUT ROWID",
            "INSERT INTO words"
            " SELECT word, document, collection, owner, video FROM words_without_keys JOIN keys ON number = document",
            "DROP TABLE keys",
            "DROP TABLE words_without_keys",
            "CREATE TRIGGER words_come AFTER INSERT ON documents WHEN new.collection IN ('segments', 'screens')"
            f" BEGIN {_INSERT_KEYED_WORDS} END",
            "CREATE TRIGGER words_go AFTER DELETE ON documents WHEN old.collection IN ('segments', 'screens')"
            f" BEGIN {_DELETE_WORDS} END",
            "CREATE TRIGGER words_change AFTER UPDATE ON documents WHEN new.collection IN ('segments', 'screens')"
            f" BEGIN {_DELETE_WORDS} {_INSERT_KEYED_WORDS} END",
        ),
    ),
    Migration(
        "operations",
        (
            _document_index("documents_by_ended_at", type_rank_sql("endedAt"), value_sql("endedAt")),
            _document_index("documents_by_status_and_age", value_sql("status"), *_NEWEST),
            "DROP INDEX documents_by_status",
        ),
    ),
    Migration(
        "shards",
        (
            # Any shard serves; a document written again gets its own.
            "UPDATE documents SET data = json_set(data, '$.shard', number % 16)"
            " WHERE collection IN ('jobs', 'deliveries', 'deleted', 'batches')",
            # The time to delete a source was the wake time of an ended job.
            "UPDATE documents SET data = json_set(data, '$.sourceExpiresAt', json_extract(data, '$.wakeAt'),"
            " '$.wakeAt', NULL) WHERE collection = 'jobs' AND json_array_length(data, '$.outbox') = 0"
            " AND json_extract(data, '$.status') IN ('done', 'failed', 'cancelled')",
            _document_index(
                "documents_by_source_expiry", type_rank_sql("sourceExpiresAt"), value_sql("sourceExpiresAt")
            ),
        ),
    ),
    Migration(
        "indexes without images",
        (
            *_scoped_index("jobs", "documents_by_owner", value_sql("owner"), *_NEWEST),
            *_scoped_index("jobs", "documents_by_owner_and_status", value_sql("owner"), value_sql("status"), *_NEWEST),
            *_scoped_index("jobs", "documents_by_owner_and_kind", value_sql("owner"), value_sql("kind"), *_NEWEST),
            *_scoped_index("jobs", "documents_by_status_and_age", value_sql("status"), *_NEWEST),
            *_scoped_index("jobs", "documents_by_wake_at", type_rank_sql("wakeAt"), value_sql("wakeAt")),
            *_scoped_index("jobs", "documents_by_expires_at", type_rank_sql("expiresAt"), value_sql("expiresAt")),
            *_scoped_index("jobs", "documents_by_ended_at", type_rank_sql("endedAt"), value_sql("endedAt")),
            *_scoped_index("jobs", "documents_by_job", value_sql("jobId"), type_rank_sql("jobId")),
            *_scoped_index(
                "jobs", "documents_by_source_expiry", type_rank_sql("sourceExpiresAt"), value_sql("sourceExpiresAt")
            ),
            *_scoped_index(
                "jobs",
                "documents_by_video_and_model",
                value_sql("videoId"),
                type_rank_sql("videoId"),
                value_sql("model"),
                type_rank_sql("model"),
            ),
            *_scoped_index(
                IMAGES,
                "documents_by_dataset_and_chunk",
                value_sql("datasetId"),
                type_rank_sql("datasetId"),
                value_sql("chunk"),
                type_rank_sql("chunk"),
            ),
            # Last: of two indexes that serve a query alike, SQLite takes the older.
            *_scoped_index(IMAGES, "documents_by_dataset", value_sql("datasetId"), type_rank_sql("datasetId")),
        ),
    ),
    Migration(
        "turns",
        (
            *(
                f"ALTER TABLE deliveries ADD COLUMN {column}"
                for column in (
                    "job TEXT NOT NULL DEFAULT ''",
                    "owner TEXT NOT NULL DEFAULT ''",
                    "long INTEGER NOT NULL DEFAULT 0",
                    "turn INTEGER NOT NULL DEFAULT 0",
                )
            ),
            # With the time, so that deliveries that wait for another try are passed over in the index.
            "CREATE INDEX deliveries_by_turn ON deliveries (function, long, turn, id, visible_at) WHERE NOT leased",
            "CREATE INDEX deliveries_by_owner ON deliveries (owner, long, function, turn)",
        ),
    ),
)
ACCOUNT_MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        "accounts",
        (
            # Without address and password: an anonymous user, or a name that was requested with an address that
            # already has an account; see docs/decisions/identity.md.
            "CREATE TABLE accounts (id TEXT PRIMARY KEY, username TEXT, username_key TEXT UNIQUE, email TEXT UNIQUE,"
            " password TEXT, verified INTEGER NOT NULL DEFAULT 0, anonymous INTEGER NOT NULL DEFAULT 0,"
            " created_at TEXT NOT NULL, logged_in_at TEXT) STRICT",
            "CREATE TABLE sessions (id TEXT PRIMARY KEY, account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE,"
            " started_at TEXT NOT NULL, expires_at TEXT NOT NULL) STRICT",
            "CREATE INDEX sessions_by_account ON sessions (account)",
            "CREATE INDEX sessions_by_expires_at ON sessions (expires_at)",
            "CREATE TABLE refresh_tokens (hash TEXT PRIMARY KEY,"
            " session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,"
            " used INTEGER NOT NULL DEFAULT 0, expires_at TEXT NOT NULL) STRICT",
            "CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session)",
            "CREATE TABLE mail_tokens (hash TEXT PRIMARY KEY, purpose TEXT NOT NULL,"
            " account TEXT NOT NULL REFERENCES accounts ON DELETE CASCADE, email TEXT,"
            " expires_at TEXT NOT NULL) STRICT",
            "CREATE INDEX mail_tokens_by_account ON mail_tokens (account, purpose)",
            "CREATE TABLE mails (id INTEGER PRIMARY KEY, recipient TEXT, subject TEXT NOT NULL, body TEXT NOT NULL,"
            " created_at TEXT NOT NULL, due_at TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0) STRICT",
            "CREATE INDEX mails_by_due_at ON mails (due_at)",
        ),
    ),
)
