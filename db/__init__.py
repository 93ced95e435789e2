"""PostgreSQL: the record and the read model. All SQL is below this folder."""
