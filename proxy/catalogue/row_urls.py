"""The public URLs of the summary table's lines; pure."""

from dataclasses import dataclass, field

from proxy.catalogue.url_rows import UrlRow
from proxy.connectors.addresses import PublicUrls, illustrative
from proxy.connectors.model import Connector


@dataclass(frozen=True, slots=True)
class RowUrls:
    """Makes the URLs of one connector's lines.

    Attributes:
        connector: Whose lines they are.
        plain: Base of public URLs, such as ``http://dl.example.com``.
        secure: The same by https, for a connector that forces it.
        is_named: Whether URLs end with the file name, which some clients look at.
    """

    connector: Connector
    plain: str
    secure: str
    is_named: bool = False
    _urls: PublicUrls = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_urls", PublicUrls(self.base, self.connector))

    @property
    def base(self) -> str:
        """Base of the connector's URLs."""
        return self.secure if self.connector.force_https else self.plain

    @property
    def root(self) -> str:
        """What all URLs of the connector begin with."""
        return illustrative(self.base, self.connector)[0].text

    def of(self, line: UrlRow) -> str | None:
        """Return the URL of a line, working or not; None where it is no address."""
        return self._of(line, line.file_name if self.is_named else None)

    def named(self, line: UrlRow) -> str | None:
        """Return the URL that ends with the file name; without one, as ``of``."""
        return self._of(line, line.file_name)

    def _of(self, line: UrlRow, file_name: str | None) -> str | None:
        if line.value is None or not line.is_addressable:
            return None
        try:
            return self._urls.of(language=line.language, value=line.value, file_name=file_name)
        except ValueError:  # entered for what the connector was like before
            return None
