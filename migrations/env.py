"""Alembic's entry: the application's own engine and models, no second configuration."""

from alembic import context
from flask import current_app

migrate = current_app.extensions["migrate"]


JSON = 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'


def plain_types(kind, item, autogenerate):
    """Migrations name the database's types, never ours, which may change under them."""
    if kind != "type":
        return False
    name = type(item).__name__
    if name == "JSON":
        autogenerate.imports.add("from sqlalchemy.dialects import postgresql")
        return JSON
    return {"UtcDateTime": "sa.DateTime(timezone=True)", "AsaList": "sa.UnicodeText()"}.get(
        name, False
    )


def leave_out_empty(_context, _revision, directives):
    """`flask db migrate` makes no file when nothing changed."""
    wanted = getattr(context.config.cmd_opts, "autogenerate", False)
    if wanted and directives[0].upgrade_ops.is_empty():
        directives[:] = []


if context.is_offline_mode():
    context.configure(url=str(migrate.db.engine.url), target_metadata=migrate.db.metadata)
    with context.begin_transaction():
        context.run_migrations()
else:
    with migrate.db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=migrate.db.metadata,
            process_revision_directives=leave_out_empty,
            # SQLite cannot alter a table in place; Alembic copies it instead.
            render_as_batch=True,
            render_item=plain_types,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
