"""The tenant's credentials as the console was given them; pure."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """The tenant and its Custom Application.

    Attributes:
        client_id: The tenant's name.
        app_id: The application's id.
        app_key: None where it was encrypted with a key that is lost.
        username: The user to act as, for an application that may not see the folder itself.
    """

    client_id: str
    app_id: str
    app_key: str | None = field(default=None, repr=False)
    username: str | None = None
