"""Alembic's entry point: runs the migrations on the connection that ``security_server.db.versions`` passes.

Only the program runs it, inside its own transaction; there is no ``alembic.ini`` and no offline mode.
"""

from __future__ import annotations

from alembic import context

from security_server.db.tables import METADATA
from security_server.db.versions import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
