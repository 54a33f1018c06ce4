"""What the URLs of a content were last seen to give: media type, size and date."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; they are filled as contents are served."""
    op.add_column("content", Column("media_type", Text))
    op.add_column("content", Column("size", BigInteger))
    op.add_column("content", Column("modified_s", BigInteger))
