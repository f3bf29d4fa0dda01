-- draft_json is what the person is working on; NULL before anything was written.
CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    sample TEXT,
    draft_json TEXT,
    dataset_id INTEGER REFERENCES datasets(id),
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TABLE preferences (
    name TEXT PRIMARY KEY,
    value_json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE datasets (
    id INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('supervised', 'preference')),
    columns_json TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, fingerprint)
) STRICT;

-- A run goes on with the very examples it began with, whatever becomes of the file.
CREATE TABLE examples (
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (dataset_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    sha256 TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    architecture TEXT NOT NULL,
    parameters INTEGER NOT NULL,
    context_window INTEGER NOT NULL,
    has_chat_template INTEGER NOT NULL,
    device TEXT NOT NULL,
    path TEXT NOT NULL
) STRICT;

CREATE TABLE prompt_versions (
    id INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    parent_id INTEGER REFERENCES prompt_versions(id),
    origin_json TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    starred INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, number),
    UNIQUE (project_id, text_hash)
) STRICT;

-- A version is what it was when it was measured.
CREATE TRIGGER prompt_versions_never_change
BEFORE UPDATE OF id, project_id, number, text, text_hash, parent_id, origin_json, created_at ON prompt_versions
BEGIN
    SELECT RAISE(ABORT, 'a prompt version never changes');
END;

CREATE TABLE version_labels (
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    version_id INTEGER NOT NULL REFERENCES prompt_versions(id) ON DELETE CASCADE,
    moved_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, name)
) STRICT, WITHOUT ROWID;

-- Numbers of runs are never used again: a person may have written one down.
-- The seed is text because it may exceed SQLite's integers.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    dataset_id INTEGER NOT NULL REFERENCES datasets(id),
    model_id INTEGER NOT NULL REFERENCES models(id),
    start_version_id INTEGER NOT NULL REFERENCES prompt_versions(id),
    best_version_id INTEGER REFERENCES prompt_versions(id),
    frozen_json TEXT NOT NULL,
    settings_json TEXT NOT NULL,
    description TEXT NOT NULL,
    split_json TEXT,
    seed TEXT NOT NULL,
    program_version TEXT NOT NULL,
    device TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'completed', 'failed', 'cancelled')),
    outcome_json TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    working_seconds REAL NOT NULL DEFAULT 0,
    tokens_computed INTEGER NOT NULL DEFAULT 0,
    tokens_reused INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE candidates (
    run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    step INTEGER NOT NULL,
    parent INTEGER,
    origin_json TEXT NOT NULL,
    text TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    refusal_json TEXT,
    PRIMARY KEY (run_id, ordinal)
) STRICT;

CREATE INDEX candidates_by_text ON candidates (run_id, text_hash);

-- std_error is NULL where a single example leaves it unknown.
CREATE TABLE scores (
    run_id INTEGER NOT NULL,
    candidate INTEGER NOT NULL,
    part TEXT NOT NULL CHECK (part IN ('train', 'validation')),
    loss REAL NOT NULL,
    std_error REAL,
    accuracy REAL,
    tokens_computed INTEGER NOT NULL,
    tokens_reused INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (run_id, candidate, part),
    FOREIGN KEY (run_id, candidate) REFERENCES candidates(run_id, ordinal) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE example_losses (
    run_id INTEGER NOT NULL,
    candidate INTEGER NOT NULL,
    part TEXT NOT NULL,
    place INTEGER NOT NULL,
    example INTEGER NOT NULL,
    loss REAL NOT NULL,
    correct INTEGER,
    PRIMARY KEY (run_id, candidate, part, place),
    FOREIGN KEY (run_id, candidate, part) REFERENCES scores(run_id, candidate, part) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE segment_findings (
    run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    place INTEGER NOT NULL,
    candidate INTEGER NOT NULL,
    first_byte INTEGER NOT NULL,
    end_byte INTEGER NOT NULL,
    text TEXT NOT NULL,
    effect REAL NOT NULL,
    std_error REAL,
    verdict TEXT NOT NULL CHECK (verdict IN ('helps', 'no_clear_effect', 'hurts')),
    PRIMARY KEY (run_id, step, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE steps (
    run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    incumbent INTEGER NOT NULL,
    loss REAL NOT NULL,
    improved INTEGER NOT NULL,
    PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE generations (
    run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    text TEXT NOT NULL,
    tokens_computed INTEGER NOT NULL,
    tokens_reused INTEGER NOT NULL,
    seconds REAL NOT NULL,
    PRIMARY KEY (run_id, step, purpose)
) STRICT, WITHOUT ROWID;

CREATE TABLE left_out (
    run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    example INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (run_id, example)
) STRICT, WITHOUT ROWID;
