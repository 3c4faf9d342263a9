"""Files for finance: rows straight from the database, written as they are read."""
