-- The engine's own tables, and `activity`. Entity tables are made from the field selection (tables.py).
-- Times are UTC text ("2026-01-31T08:15:00.000Z"); values are kept in canonical form, with their type (ANY).

CREATE TABLE crmsync_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

-- Who may run cycles. `token` grows with every change of holder; each page's transaction checks it.
CREATE TABLE crmsync_lease (
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, token INTEGER NOT NULL, expires_at TEXT NOT NULL
) STRICT;

CREATE TABLE crmsync_run (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, started_at TEXT NOT NULL, ended_at TEXT,
    status TEXT NOT NULL, message TEXT
) STRICT;

CREATE TABLE crmsync_step (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, object TEXT NOT NULL, operation TEXT NOT NULL,
    started_at TEXT NOT NULL, ended_at TEXT, status TEXT NOT NULL,
    new INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0, deleted INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0, skipped INTEGER NOT NULL DEFAULT 0, pages INTEGER NOT NULL DEFAULT 0,
    calls INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, message TEXT
) STRICT;
CREATE INDEX crmsync_step_started ON crmsync_step (started_at);

CREATE TABLE crmsync_cursor (
    object TEXT NOT NULL, kind TEXT NOT NULL, partition TEXT NOT NULL DEFAULT '',
    mark TEXT, resume TEXT, made_with TEXT NOT NULL DEFAULT '', moved_at TEXT NOT NULL,
    PRIMARY KEY (object, kind, partition)
) STRICT;

-- The only place where a CRM id is looked up. role: current, converted, merged or deleted. `modified_at` is the
-- moment of the version stored (of the deletion, for a deleted one); `version` only where the CRM has a finer one.
CREATE TABLE crmsync_link (
    id INTEGER PRIMARY KEY, object TEXT NOT NULL, crm_id TEXT NOT NULL, entity TEXT NOT NULL, row_id INTEGER,
    role TEXT NOT NULL, modified_at TEXT NOT NULL, version TEXT, run INTEGER NOT NULL,
    UNIQUE (object, crm_id)
) STRICT;
CREATE INDEX crmsync_link_former ON crmsync_link (entity, row_id) WHERE role <> 'current';

-- One local change of one column of one row. `base` is the value both sides last agreed on.
-- state: local (stays here), pending, sent, held, conflict or quarantined.
CREATE TABLE crmsync_edit (
    entity TEXT NOT NULL, row_id INTEGER NOT NULL, field TEXT NOT NULL, base ANY, seq INTEGER NOT NULL,
    sent ANY, sent_seq INTEGER, state TEXT NOT NULL, edited_at TEXT NOT NULL,
    PRIMARY KEY (entity, row_id, field)
) STRICT;

-- Rows that somebody deleted here: the CRM record is still there until a later rule says otherwise.
CREATE TABLE crmsync_deleted (
    id INTEGER PRIMARY KEY AUTOINCREMENT, entity TEXT NOT NULL, row_id INTEGER NOT NULL, crm_id TEXT,
    deleted_at TEXT NOT NULL
) STRICT;

-- What a row held before INSERT OR REPLACE took it away (SQLite fires no delete trigger for that).
CREATE TABLE crmsync_replaced (
    entity TEXT NOT NULL, row_id INTEGER NOT NULL, field TEXT NOT NULL, value ANY,
    PRIMARY KEY (entity, row_id, field)
) STRICT;

-- A row here tells the capture triggers that the engine is writing. The deferred key, which points at nothing,
-- makes COMMIT fail while the row stands, so it can never outlive the engine's transaction.
CREATE TABLE crmsync_nothing (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE crmsync_applying (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    never INTEGER NOT NULL REFERENCES crmsync_nothing (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

-- Every value that changed. field '*' is a whole row, as JSON. side: crm, marketing or engine.
CREATE TABLE crmsync_journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, at TEXT NOT NULL, entity TEXT NOT NULL,
    row_id INTEGER NOT NULL, field TEXT NOT NULL, old ANY, new ANY, side TEXT NOT NULL, rule TEXT NOT NULL
) STRICT;
CREATE INDEX crmsync_journal_row ON crmsync_journal (entity, row_id);

-- Records set aside, with the reason; a record leaves by itself once it can be stored.
CREATE TABLE crmsync_quarantine (
    object TEXT NOT NULL, crm_id TEXT NOT NULL, entity TEXT NOT NULL, row_id INTEGER, reason TEXT NOT NULL,
    data TEXT, tries INTEGER NOT NULL, first_at TEXT NOT NULL, last_at TEXT NOT NULL,
    PRIMARY KEY (object, crm_id)
) STRICT;

CREATE TABLE crmsync_error (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, run INTEGER NOT NULL, level TEXT NOT NULL,
    object TEXT NOT NULL, operation TEXT NOT NULL, crm_id TEXT, row_id INTEGER, code TEXT NOT NULL,
    message TEXT NOT NULL, hint TEXT NOT NULL
) STRICT;
CREATE INDEX crmsync_error_at ON crmsync_error (at);

CREATE TABLE crmsync_notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL
) STRICT;

-- The mapping: which field fills which column. state: present, hidden (values stay), changed (a new type).
CREATE TABLE crmsync_field (
    object TEXT NOT NULL, field TEXT NOT NULL, entity TEXT NOT NULL, column_name TEXT NOT NULL, type TEXT NOT NULL,
    label TEXT NOT NULL, choices TEXT NOT NULL DEFAULT '', two_way INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL,
    first_seen TEXT NOT NULL, PRIMARY KEY (object, field)
) STRICT;

CREATE TABLE crmsync_count (object TEXT PRIMARY KEY, crm_records INTEGER NOT NULL, counted_at TEXT NOT NULL) STRICT;

-- How many records waited, sampled at most once an hour: in the CRM for this side, here for the CRM.
CREATE TABLE crmsync_backlog (
    at TEXT NOT NULL, object TEXT NOT NULL, waiting_crm INTEGER NOT NULL, waiting_here INTEGER NOT NULL,
    PRIMARY KEY (at, object)
) STRICT;

-- What a marketer sees on a person.
CREATE TABLE activity (
    id INTEGER PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
    field TEXT, old_value ANY, new_value ANY, object TEXT, crm_id TEXT, source TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '', run INTEGER
) STRICT;
CREATE INDEX activity_person ON activity (person_id);
