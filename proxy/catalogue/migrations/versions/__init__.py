"""The revisions of the schema, each made from the one before; they are never edited."""
