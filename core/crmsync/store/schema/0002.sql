-- The way back: what an edit that was refused or is disputed carries, what was sent and is not settled, what a
-- marketer asks for, and the programs of the marketing side.

-- `theirs` is the CRM's value where a person has to decide (state conflict). State done: written, and kept until the
-- CRM has told of its next version, so that an older answer that comes late changes nothing.
ALTER TABLE crmsync_edit ADD COLUMN theirs ANY;
ALTER TABLE crmsync_edit ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE crmsync_edit ADD COLUMN retry_at TEXT;
ALTER TABLE crmsync_edit ADD COLUMN code TEXT;
ALTER TABLE crmsync_edit ADD COLUMN reason TEXT;
CREATE INDEX crmsync_edit_state ON crmsync_edit (state, entity, row_id) WHERE state <> 'local';

-- Every write to the CRM that is not repeatable by itself, stored before it leaves. state: sent (its answer is not
-- known), done, refused, or lost (it is certain that nothing was made, so it may be sent again under the same key).
CREATE TABLE crmsync_intent (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, run INTEGER NOT NULL, action INTEGER,
    operation TEXT NOT NULL, object TEXT NOT NULL, entity TEXT NOT NULL, row_id INTEGER NOT NULL, crm_id TEXT,
    payload TEXT NOT NULL, state TEXT NOT NULL, sent_at TEXT NOT NULL, ended_at TEXT, code TEXT, message TEXT
) STRICT;
CREATE INDEX crmsync_intent_open ON crmsync_intent (state) WHERE state = 'sent';
CREATE INDEX crmsync_intent_row ON crmsync_intent (entity, row_id);

-- What a marketer asks for; any program may insert rows. state: waiting, running, done, refused or failed.
CREATE TABLE crm_action (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, person_id INTEGER,
    arguments TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(arguments)),
    state TEXT NOT NULL DEFAULT 'waiting', outcome TEXT, code TEXT, crm_id TEXT,
    asked_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), retry_at TEXT, tries INTEGER NOT NULL DEFAULT 0,
    ended_at TEXT, run INTEGER
) STRICT;
CREATE INDEX crm_action_open ON crm_action (state) WHERE state IN ('waiting', 'running');
