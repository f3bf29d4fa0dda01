-- How the file of a dataset is read again: options and remedies as they were
-- chosen. NULL for what was kept before.
ALTER TABLE datasets ADD COLUMN recipe_json TEXT;
