CREATE TABLE version_tags (
    version_id INTEGER NOT NULL REFERENCES prompt_versions(id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (version_id, tag)
) STRICT, WITHOUT ROWID;

-- Every move of a label, so that it can be told what was in use when. NULL where
-- it was taken away.
CREATE TABLE label_moves (
    id INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    version_id INTEGER REFERENCES prompt_versions(id) ON DELETE CASCADE,
    moved_at INTEGER NOT NULL
) STRICT;

CREATE INDEX label_moves_by_project ON label_moves (project_id);

INSERT INTO label_moves (project_id, name, version_id, moved_at)
SELECT project_id, name, version_id, moved_at FROM version_labels ORDER BY moved_at;

-- A label that stays where it is was not moved.
CREATE TRIGGER label_put AFTER INSERT ON version_labels
BEGIN
    INSERT INTO label_moves (project_id, name, version_id, moved_at)
    VALUES (new.project_id, new.name, new.version_id, new.moved_at);
END;

CREATE TRIGGER label_moved AFTER UPDATE OF version_id ON version_labels
WHEN new.version_id <> old.version_id
BEGIN
    INSERT INTO label_moves (project_id, name, version_id, moved_at)
    VALUES (new.project_id, new.name, new.version_id, new.moved_at);
END;
