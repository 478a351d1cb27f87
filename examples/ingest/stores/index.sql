CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY,
    id       TEXT NOT NULL UNIQUE,
    hash     TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE IF NOT EXISTS texts
    USING fts5 (title, body, tokenize = 'porter unicode61 remove_diacritics 2');
