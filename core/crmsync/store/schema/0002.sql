-- The way back: what an edit that was refused or is disputed carries, what was sent and is not settled, what a
-- marketer asks for, and the programs of the marketing side.

-- What tells this database from every other one but its copies.
INSERT INTO crmsync_meta VALUES ('database', lower(hex(randomblob(8))));

-- `theirs` is the CRM's value where a person has to decide (state conflict), `disputed_at` since when. State done:
-- written, and kept until the CRM has told of its next version, so that an older answer that comes late changes nothing.
ALTER TABLE crmsync_edit ADD COLUMN theirs ANY;
ALTER TABLE crmsync_edit ADD COLUMN disputed_at TEXT;
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

-- What a marketer asks for; any program may insert rows, of kind, person and arguments. state: waiting (not before
-- `retry_at`), running (being done, or its answer was lost), done, refused or failed; `outcome` tells what happened.
CREATE TABLE crm_action (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, person_id INTEGER,
    arguments TEXT NOT NULL DEFAULT '{}' CONSTRAINT "arguments are JSON" CHECK (json_valid(arguments)),
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'refused', 'failed')),
    outcome TEXT, code TEXT, crm_id TEXT, asked_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')),
    retry_at TEXT, tries INTEGER NOT NULL DEFAULT 0, ended_at TEXT, run INTEGER
) STRICT;
CREATE INDEX crm_action_open ON crm_action (person_id, id) WHERE state IN ('waiting', 'running');

-- Programs of the marketing side; any program may write `program`, `program_status` and `program_member`. A program is
-- joined to one campaign by `crmsync campaign link`, which alone sets `campaign_crm_id`.
CREATE TABLE program (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE
    CONSTRAINT "a program needs a name" CHECK (trim(name) <> ''), channel TEXT,
    period_cost ANY CONSTRAINT "period_cost is a number" CHECK (
        period_cost IS NULL OR typeof(period_cost) IN ('integer', 'real') OR (typeof(period_cost) = 'text'
        AND ltrim(period_cost, '-') GLOB '[0-9]*' AND ltrim(period_cost, '-') NOT GLOB '*[^0-9.]*')),
    campaign_crm_id TEXT UNIQUE, created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ'))
) STRICT;

CREATE TABLE program_status (
    id INTEGER PRIMARY KEY AUTOINCREMENT, program_id INTEGER NOT NULL, label TEXT NOT NULL
    CONSTRAINT "a status needs a label" CHECK (trim(label) <> ''), step INTEGER NOT NULL, has_responded INTEGER NOT NULL DEFAULT 0 CHECK (has_responded IN (0, 1)),
    is_default INTEGER NOT NULL DEFAULT 0 CHECK (is_default IN (0, 1)), UNIQUE (program_id, label)
) STRICT;

CREATE TABLE program_member (
    id INTEGER PRIMARY KEY AUTOINCREMENT, program_id INTEGER NOT NULL, person_id INTEGER NOT NULL, status TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ')), UNIQUE (program_id, person_id)
) STRICT;
CREATE INDEX program_member_person ON program_member (person_id);

-- The link of a program, with the channel and the cost that its campaign was last told. `begun` is 0 until the first
-- cycle after it was made.
CREATE TABLE crmsync_program (
    program_id INTEGER PRIMARY KEY, campaign_crm_id TEXT NOT NULL UNIQUE, linked_at TEXT NOT NULL,
    begun INTEGER NOT NULL DEFAULT 0, channel TEXT, period_cost ANY
) STRICT;

-- A membership that both sides know: the status that each had when they were last compared.
CREATE TABLE crmsync_member (
    program_id INTEGER NOT NULL, person_id INTEGER NOT NULL, member_crm_id TEXT NOT NULL, here TEXT, there TEXT,
    PRIMARY KEY (program_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX crmsync_member_person ON crmsync_member (person_id);
CREATE INDEX crmsync_member_crm_id ON crmsync_member (member_crm_id);

-- What moved in linked programs since it was last looked at. Without a member's CRM id it moved on this side; person 0
-- is not known yet, or (without a CRM id) everybody; -1 could not be found, and is looked for again when persons come.
-- `field` is a mapped column of program_member, '' the membership itself.
CREATE TABLE crmsync_member_moved (
    program_id INTEGER NOT NULL, person_id INTEGER NOT NULL, member_crm_id TEXT NOT NULL DEFAULT '',
    field TEXT NOT NULL DEFAULT '', PRIMARY KEY (program_id, person_id, member_crm_id, field)
) STRICT, WITHOUT ROWID;

-- Memberships to be made in the CRM, or to be ended. state: waiting, refused (until the membership moves again), or
-- lacking (the CRM would not have the person; until the person changes). `fields` are the mapped columns to go along,
-- separated by spaces.
CREATE TABLE crmsync_member_ask (
    program_id INTEGER NOT NULL, person_id INTEGER NOT NULL, member_crm_id TEXT NOT NULL DEFAULT '',
    remove INTEGER NOT NULL DEFAULT 0, fields TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'waiting',
    tries INTEGER NOT NULL DEFAULT 0, retry_at TEXT, code TEXT, message TEXT, failed_at TEXT,
    PRIMARY KEY (program_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX crmsync_member_ask_waiting ON crmsync_member_ask (retry_at) WHERE state = 'waiting';
CREATE INDEX crmsync_member_ask_lacking ON crmsync_member_ask (person_id) WHERE state = 'lacking';

-- Columns of program_member that are joined to fields of campaign members. state: mapped, or dropped.
CREATE TABLE crmsync_program_field (
    column_name TEXT PRIMARY KEY, object TEXT NOT NULL, field TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL,
    two_way INTEGER NOT NULL, state TEXT NOT NULL
) STRICT;

-- Campaigns to be made for programs. `key` stays the same however often one is sent. state: waiting, or refused.
CREATE TABLE crmsync_program_wish (
    program_id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL UNIQUE, campaign_crm_id TEXT,
    state TEXT NOT NULL DEFAULT 'waiting', tries INTEGER NOT NULL DEFAULT 0, retry_at TEXT, code TEXT, message TEXT
) STRICT;

CREATE TRIGGER crmsync_program_insert BEFORE INSERT ON program WHEN NEW.campaign_crm_id IS NOT NULL
AND NEW.campaign_crm_id IS NOT (SELECT campaign_crm_id FROM crmsync_program WHERE program_id = NEW.id) BEGIN
    SELECT RAISE(ABORT, 'program: campaign_crm_id is set by `crmsync campaign link`, and by nothing else');
END;
CREATE TRIGGER crmsync_program_replaced AFTER INSERT ON program
WHEN EXISTS (SELECT 1 FROM crmsync_program WHERE program_id = NEW.id) BEGIN
    UPDATE program SET campaign_crm_id = (SELECT campaign_crm_id FROM crmsync_program WHERE program_id = NEW.id)
    WHERE id = NEW.id;
END;
CREATE TRIGGER crmsync_program_guard BEFORE UPDATE OF id, campaign_crm_id ON program WHEN NEW.id IS NOT OLD.id
OR (NEW.campaign_crm_id IS NOT OLD.campaign_crm_id AND NEW.campaign_crm_id IS NOT
    (SELECT campaign_crm_id FROM crmsync_program WHERE program_id = OLD.id)) BEGIN
    SELECT RAISE(ABORT, 'program: id and campaign_crm_id are kept by crmsync; use `crmsync campaign link` or `unlink`');
END;
CREATE TRIGGER crmsync_program_delete AFTER DELETE ON program BEGIN
    DELETE FROM crmsync_program WHERE program_id = OLD.id;
    DELETE FROM crmsync_program_wish WHERE program_id = OLD.id;
    DELETE FROM crmsync_member WHERE program_id = OLD.id;
    DELETE FROM crmsync_member_ask WHERE program_id = OLD.id;
    DELETE FROM crmsync_member_moved WHERE program_id = OLD.id;
    DELETE FROM program_member WHERE program_id = OLD.id;
    DELETE FROM program_status WHERE program_id = OLD.id;
END;

CREATE TRIGGER crmsync_program_status_insert BEFORE INSERT ON program_status
WHEN NOT EXISTS (SELECT 1 FROM program WHERE id = NEW.program_id) BEGIN
    SELECT RAISE(ABORT, 'program_status: there is no program of that program_id');
END;
CREATE TRIGGER crmsync_program_status_inserted AFTER INSERT ON program_status BEGIN
    UPDATE program_status SET is_default = 0
    WHERE NEW.is_default AND program_id = NEW.program_id AND id <> NEW.id AND is_default;
    UPDATE program_member SET status = NEW.label WHERE program_id = NEW.program_id AND status IS NULL;
    INSERT INTO crmsync_member_moved (program_id, person_id)
    SELECT program_id, 0 FROM crmsync_program WHERE program_id = NEW.program_id ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER crmsync_program_status_guard BEFORE UPDATE OF id, program_id ON program_status
WHEN NEW.id IS NOT OLD.id OR NEW.program_id IS NOT OLD.program_id BEGIN
    SELECT RAISE(ABORT, 'program_status: a status stays with its program; insert one for the other program');
END;
CREATE TRIGGER crmsync_program_status_default AFTER UPDATE OF is_default ON program_status WHEN NEW.is_default BEGIN
    UPDATE program_status SET is_default = 0 WHERE program_id = NEW.program_id AND id <> NEW.id AND is_default;
END;
CREATE TRIGGER crmsync_program_status_label AFTER UPDATE OF label, step ON program_status BEGIN
    UPDATE program_member SET status = NEW.label
    WHERE NEW.label IS NOT OLD.label AND program_id = OLD.program_id AND status = OLD.label;
    INSERT INTO crmsync_member_moved (program_id, person_id)
    SELECT program_id, 0 FROM crmsync_program WHERE program_id = NEW.program_id ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER crmsync_program_status_delete BEFORE DELETE ON program_status BEGIN
    SELECT RAISE(ABORT, 'program_status: members have this status; give them another one first')
    WHERE EXISTS (SELECT 1 FROM program_member WHERE program_id = OLD.program_id AND status = OLD.label);
    INSERT INTO crmsync_member_moved (program_id, person_id)
    SELECT program_id, 0 FROM crmsync_program WHERE program_id = OLD.program_id ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER crmsync_program_member_insert BEFORE INSERT ON program_member BEGIN
    SELECT RAISE(ABORT, 'program_member: there is no program of that program_id')
    WHERE NOT EXISTS (SELECT 1 FROM program WHERE id = NEW.program_id);
    SELECT RAISE(ABORT, 'program_member: there is no person of that person_id')
    WHERE NOT EXISTS (SELECT 1 FROM person WHERE id = NEW.person_id);
    SELECT RAISE(ABORT, 'program_member: the program has no such status; its statuses are in program_status')
    WHERE NEW.status IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM program_status WHERE program_id = NEW.program_id AND label = NEW.status);
END;
CREATE TRIGGER crmsync_program_member_inserted AFTER INSERT ON program_member BEGIN
    UPDATE program_member SET status = (SELECT label FROM program_status WHERE program_id = NEW.program_id
        ORDER BY is_default DESC, step, id LIMIT 1) WHERE id = NEW.id AND NEW.status IS NULL;
    -- Whoever joins again is a new member: what was agreed on the former membership does not count.
    DELETE FROM crmsync_member WHERE program_id = NEW.program_id AND person_id = NEW.person_id
    AND NOT EXISTS (SELECT 1 FROM crmsync_applying);
    INSERT INTO crmsync_member_moved (program_id, person_id) SELECT program_id, NEW.person_id FROM crmsync_program
    WHERE program_id = NEW.program_id AND NOT EXISTS (SELECT 1 FROM crmsync_applying) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER crmsync_program_member_guard BEFORE UPDATE OF program_id, person_id ON program_member
WHEN (NEW.program_id IS NOT OLD.program_id OR NEW.person_id IS NOT OLD.person_id)
AND NOT EXISTS (SELECT 1 FROM crmsync_applying) BEGIN
    SELECT RAISE(ABORT, 'program_member: a membership stays with its person and program; delete it and insert another');
END;
CREATE TRIGGER crmsync_program_member_known BEFORE UPDATE OF status ON program_member WHEN NEW.status IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM program_status WHERE program_id = NEW.program_id AND label = NEW.status) BEGIN
    SELECT RAISE(ABORT, 'program_member: the program has no such status; its statuses are in program_status');
END;
-- A program never moves a person backwards (R-156): the other columns of such an update are kept, the status is not.
CREATE TRIGGER crmsync_program_member_back AFTER UPDATE OF status ON program_member WHEN OLD.status IS NOT NULL
AND (NEW.status IS NULL OR (SELECT step FROM program_status WHERE program_id = NEW.program_id AND label = NEW.status)
    < (SELECT step FROM program_status WHERE program_id = NEW.program_id AND label = OLD.status)) BEGIN
    UPDATE program_member SET status = OLD.status WHERE id = NEW.id;
END;
CREATE TRIGGER crmsync_program_member_moved AFTER UPDATE OF status ON program_member
WHEN NEW.status IS NOT OLD.status AND NOT EXISTS (SELECT 1 FROM crmsync_applying) BEGIN
    INSERT INTO crmsync_member_moved (program_id, person_id)
    SELECT program_id, NEW.person_id FROM crmsync_program WHERE program_id = NEW.program_id ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER crmsync_program_member_delete AFTER DELETE ON program_member
WHEN NOT EXISTS (SELECT 1 FROM crmsync_applying) BEGIN
    INSERT INTO crmsync_member_moved (program_id, person_id)
    SELECT program_id, OLD.person_id FROM crmsync_program WHERE program_id = OLD.program_id ON CONFLICT DO NOTHING;
END;

-- What a run cost, for the forecast.
ALTER TABLE crmsync_run ADD COLUMN calls INTEGER NOT NULL DEFAULT 0;

-- Activities of the marketing side, each from the moment it is written: on its way to the CRM where its kind is chosen.
-- state: waiting (not before `due_at`), sent (its answer is not known), done, left out, or refused.
CREATE TABLE crmsync_outgoing (
    activity INTEGER PRIMARY KEY, kind TEXT NOT NULL COLLATE NOCASE, state TEXT NOT NULL DEFAULT 'waiting',
    due_at TEXT NOT NULL DEFAULT '', tries INTEGER NOT NULL DEFAULT 0, sent_at TEXT, code TEXT, reason TEXT
) STRICT;
CREATE INDEX crmsync_outgoing_due ON crmsync_outgoing (kind, due_at) WHERE state = 'waiting';
CREATE INDEX crmsync_outgoing_sent ON crmsync_outgoing (activity) WHERE state = 'sent';
CREATE INDEX crmsync_intent_crm_id ON crmsync_intent (object, crm_id) WHERE crm_id IS NOT NULL;
INSERT INTO crmsync_outgoing (activity, kind) SELECT id, kind FROM activity WHERE source <> 'crm';
CREATE TRIGGER crmsync_outgoing_new AFTER INSERT ON activity WHEN NEW.source <> 'crm'
BEGIN INSERT INTO crmsync_outgoing (activity, kind) VALUES (NEW.id, NEW.kind) ON CONFLICT DO NOTHING; END;

-- What tells this database from every other one that writes to the same CRM.
INSERT INTO crmsync_meta VALUES ('seed', lower(hex(randomblob(16))));
