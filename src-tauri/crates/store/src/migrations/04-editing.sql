-- How much an example counted.
ALTER TABLE example_losses ADD COLUMN weight REAL NOT NULL DEFAULT 1;

-- Examples never change once something was measured on them. What a person edits
-- is a copy: `open` until it is measured, `brought` being the dataset that came
-- from the file. Numbers of rows stay the same in copies.
ALTER TABLE datasets ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
ALTER TABLE datasets ADD COLUMN brought INTEGER REFERENCES datasets(id) ON DELETE SET NULL;

-- The edits that lead from the brought rows to these, in order. Undone ones wait
-- to be done again.
CREATE TABLE edits (
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (dataset_id, number)
) STRICT, WITHOUT ROWID;

-- NULL where the row was not there.
CREATE TABLE edited_rows (
    dataset_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    before_json TEXT,
    after_json TEXT,
    PRIMARY KEY (dataset_id, number, ordinal),
    FOREIGN KEY (dataset_id, number) REFERENCES edits(dataset_id, number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What a version loses on a dataset, outside runs. `scope` is equal where
-- model, settings and choice of examples are, so that figures can be compared.
CREATE TABLE measurements (
    version_id INTEGER NOT NULL REFERENCES prompt_versions(id) ON DELETE CASCADE,
    dataset_id INTEGER NOT NULL REFERENCES datasets(id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    model_id INTEGER NOT NULL REFERENCES models(id),
    loss REAL NOT NULL,
    std_error REAL,
    accuracy REAL,
    examples INTEGER NOT NULL,
    measured_at INTEGER NOT NULL,
    PRIMARY KEY (version_id, dataset_id, scope)
) STRICT, WITHOUT ROWID;

CREATE INDEX measurements_by_dataset ON measurements (dataset_id);
