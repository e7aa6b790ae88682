"""Alembic migrations of the station's database; run by ``station.db.versions`` only."""
