"""What is kept of the tenant, so that known links outlive a restart while THRON is down; pure."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Tenant:
    """The tenant and its Custom Application.

    Attributes:
        client_id: The tenant's name.
        app_id: The application's id.
        app_key: None where the environment or a file gives it: then it is not kept.
        pkey: Share key of the last login, in the path of delivery URLs; None without public share.
        root_category_id: The folder that the application is installed on, by the last login.
    """

    client_id: str
    app_id: str
    app_key: str | None = field(default=None, repr=False)
    pkey: str | None = field(default=None, repr=False)
    root_category_id: str | None = None
