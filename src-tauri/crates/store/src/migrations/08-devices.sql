-- Where losses were computed, as data in place of words; who wrote a run's rewrites where
-- that was another model; and everything that its losses depend on. `open.rs` reads the
-- words that are there.
ALTER TABLE models RENAME COLUMN device TO device_json;
ALTER TABLE runs RENAME COLUMN device TO device_json;
ALTER TABLE runs ADD COLUMN writer_json TEXT;
ALTER TABLE runs ADD COLUMN context_json TEXT;
-- NULL for measurements of before, whose device nobody noted.
ALTER TABLE measurements ADD COLUMN context_json TEXT;
