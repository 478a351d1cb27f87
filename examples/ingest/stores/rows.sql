CREATE TABLE IF NOT EXISTS documents (
    -- Grows with every version, also when older ones were deleted.
    position   INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    path       TEXT NOT NULL,
    hash       TEXT NOT NULL,
    bytes      INTEGER NOT NULL,
    title      TEXT NOT NULL,
    media_type TEXT NOT NULL,
    words      INTEGER NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS documents_by_path ON documents (path, position);
