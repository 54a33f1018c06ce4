"""The URLs that work, a few at a time in a fixed order: an index without those that do not."""

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "address_served",
        "address",
        ["connector", "id"],
        sqlite_where=text("serves = 1"),
        postgresql_where=text("serves"),
    )
