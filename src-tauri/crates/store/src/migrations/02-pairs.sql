-- Examples that a whole score would have had, where the race was lost before;
-- then `loss` is an estimate over all of them.
ALTER TABLE scores ADD COLUMN dropped_of INTEGER;

-- What one prompt loses on one example, whichever run measured it. The key
-- names prompt, example, model and settings.
CREATE TABLE pair_losses (
    key BLOB PRIMARY KEY,
    loss REAL NOT NULL,
    correct INTEGER,
    run_id INTEGER REFERENCES runs(id) ON DELETE SET NULL,
    tokens_computed INTEGER NOT NULL,
    tokens_reused INTEGER NOT NULL,
    seconds REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Deleting a run looks for its pairs.
CREATE INDEX pair_losses_by_run ON pair_losses (run_id);

-- Scores are found by pair now, not by text.
DROP INDEX candidates_by_text;
