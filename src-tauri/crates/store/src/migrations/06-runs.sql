-- What a person notes about a run. `deleted_at` is set while it is in the bin.
-- `pairs` are those of prompt and example that the run looked at, held-out ones too.
ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN deleted_at INTEGER;
ALTER TABLE runs ADD COLUMN colour TEXT;
ALTER TABLE runs ADD COLUMN pairs INTEGER NOT NULL DEFAULT 0;

CREATE TABLE run_tags (
    run_id INTEGER NOT NULL REFERENCES runs(id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (run_id, tag)
) STRICT, WITHOUT ROWID;

-- How many losses of single examples a score has.
ALTER TABLE scores ADD COLUMN pairs INTEGER NOT NULL DEFAULT 0;

UPDATE scores SET pairs = (
    SELECT count(*) FROM example_losses AS e
    WHERE e.run_id = scores.run_id AND e.candidate = scores.candidate AND e.part = scores.part
);
UPDATE runs SET pairs = (SELECT coalesce(sum(s.pairs), 0) FROM scores AS s WHERE s.run_id = runs.id);

CREATE INDEX runs_in_bin ON runs (deleted_at) WHERE deleted_at IS NOT NULL;

-- The analyses of a text are found in all runs.
CREATE INDEX candidates_by_text ON candidates (text_hash, run_id);

-- Curves read no texts: these hold all that they need.
CREATE INDEX candidates_in_order ON candidates (run_id, ordinal, step, origin_json);
CREATE INDEX generations_by_step ON generations (run_id, step, tokens_computed, seconds);

-- Deleting a row looks for those that refer to it.
CREATE INDEX runs_by_project ON runs (project_id);
CREATE INDEX runs_by_dataset ON runs (dataset_id);
CREATE INDEX runs_by_model ON runs (model_id);
CREATE INDEX runs_by_start_version ON runs (start_version_id);
CREATE INDEX runs_by_best_version ON runs (best_version_id);
CREATE INDEX versions_by_parent ON prompt_versions (parent_id);
CREATE INDEX labels_by_version ON version_labels (version_id);
CREATE INDEX label_moves_by_version ON label_moves (version_id);
CREATE INDEX projects_by_dataset ON projects (dataset_id);
CREATE INDEX datasets_by_brought ON datasets (brought);
CREATE INDEX measurements_by_model ON measurements (model_id);
