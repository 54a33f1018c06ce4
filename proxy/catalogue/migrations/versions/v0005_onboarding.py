"""Whether the check-list of a new installation is over: it is where there is a connector."""

from alembic import op
from sqlalchemy import CheckConstraint, Column, DateTime, Integer, PrimaryKeyConstraint

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table, with its row for an installation that is in use."""
    op.create_table(
        "onboarding",
        Column("id", Integer, CheckConstraint("id = 1"), autoincrement=False),
        Column("ended", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("id"),
    )
    op.execute(
        """
        INSERT INTO onboarding (id, ended)
        SELECT 1, CURRENT_TIMESTAMP WHERE EXISTS (SELECT 1 FROM connector)
        """
    )
