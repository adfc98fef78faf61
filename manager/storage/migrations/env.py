"""What Alembic runs: the migrations, on the connection that `migrate` was given."""

from alembic import context

from tunesmith.manager.storage._tables import metadata

connection = context.config.attributes["connection"]
# SQLite can change a table only by copying it.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
