"""What caches in front need: purges acknowledged by processes, and handed on by hooks."""

from alembic import op
from sqlalchemy import Boolean, Column, Integer, PrimaryKeyConstraint, String, false

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the tables, and the columns of connectors and purges."""
    op.add_column("connector", Column("cdn_max_age_s", Integer))
    op.add_column("purge", Column("revision", Integer, nullable=False, server_default="0"))
    op.add_column("purge", Column("is_repeat", Boolean, nullable=False, server_default=false()))
    op.create_table(
        "replica",
        Column("id", String(32)),
        Column("beats", Integer, nullable=False),
        Column("purge", Integer, nullable=False),
        Column("revision", Integer, nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "purge_hook",
        Column("name", String(63)),
        Column("done", Integer, nullable=False),
        PrimaryKeyConstraint("name"),
    )
