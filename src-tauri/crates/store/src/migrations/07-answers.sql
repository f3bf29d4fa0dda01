-- What is known of a pair beside its loss: whether the model would say a right answer by
-- itself, and on label tasks ln p of each option (64-bit floats, little endian).
ALTER TABLE pair_losses ADD COLUMN asked INTEGER;
ALTER TABLE pair_losses ADD COLUMN options BLOB;

ALTER TABLE example_losses ADD COLUMN asked INTEGER;
ALTER TABLE example_losses ADD COLUMN choice REAL;
ALTER TABLE example_losses ADD COLUMN form REAL;
ALTER TABLE example_losses ADD COLUMN calibrated INTEGER;

-- Their means over the examples.
ALTER TABLE scores ADD COLUMN asked REAL;
ALTER TABLE scores ADD COLUMN choice REAL;
ALTER TABLE scores ADD COLUMN form REAL;
ALTER TABLE scores ADD COLUMN calibrated REAL;

ALTER TABLE measurements ADD COLUMN asked REAL;

-- Why writing ended: by itself, or cut off.
ALTER TABLE generations ADD COLUMN finish TEXT NOT NULL DEFAULT 'stop'
    CHECK (finish IN ('stop', 'length'));
