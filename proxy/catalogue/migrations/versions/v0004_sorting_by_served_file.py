"""The table of URLs sorted by what they were last seen to give: size, media type and version."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns and their indexes, and fill them from the contents."""
    op.add_column("address", Column("media_type", Text))
    op.add_column("address", Column("size", BigInteger))
    op.add_column("address", Column("modified_s", BigInteger))
    op.execute(
        """
        UPDATE address SET (media_type, size, modified_s) = (
            SELECT content.media_type, content.size, content.modified_s FROM content
            WHERE content.connector = address.connector AND content.id = address.content_id
        )
        """
    )
    for index, column in (
        ("address_by_size", "size"),
        ("address_by_media_type", "media_type"),
        ("address_by_version", "modified_s"),
    ):
        op.create_index(index, "address", ["connector", column, "title_key", "id", "status"])
