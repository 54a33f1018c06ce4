"""Sessions: loginApp and validateToken (docs/thron.md 2)."""

import hmac
from typing import Any

from aiohttp import web

from proxy.sandbox.envelope import (
    FORM,
    LOGIN,
    Refused,
    answer,
    business,
    invalid,
    login_page,
    read_arguments,
    require_client,
    require_token,
    token_of,
)
from proxy.sandbox.world import World

# The one user whom the application may act as.
USERNAME = "sandbox.reader"


class AuthApi:
    """The services that make and check tokens."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the services with their paths."""
        validate = "/api/xsso/resources/accessmanager/validateToken/{client}"
        return [
            web.post("/api/xadmin/resources/apps/loginApp/{client}", self.login_app),
            web.post("/api/xadmin/resources/apps/su", self.act_as),
            web.post(validate, self.validate_token),
            web.get(validate, self.validate_token),
            web.get(LOGIN, self.log_in_by_hand),
        ]

    async def login_app(self, request: web.Request) -> web.Response:
        """Answer a login with a new token and what the application is."""
        world = self._world
        if request.content_type != FORM:
            raise Refused("415 text", "BAD_REQUEST", why="unsupported media type")
        form = await request.post()
        if "appId" not in form:
            raise invalid("appId is required")
        self._check(request.match_info["client"], str(form["appId"]), str(form.get("appKey", "")))
        token = world.tokens.issue(now=world.now())
        return answer(request, world, {"appUserTokenId": token, "app": self._app()})

    async def act_as(self, request: web.Request) -> web.Response:
        """Answer with the token of a user, as plain text (docs/thron.md 2.4)."""
        world = self._world
        token = require_token(request, world)
        given = await read_arguments(request)
        require_client(world, str(given.get("clientId")))
        app = world.tenant.app
        key = app.key if world.switches.su_app_key == "app key" else token
        if (given.get("appId"), given.get("appKey")) != (app.id, key):
            raise business("APP_AUTHENTICATION_FAILED")
        if not app.can_disguise:
            raise business("ACCESS_DENIED")
        if given.get("username") != USERNAME:
            raise business("USERNAME_NOT_FOUND")
        return web.Response(text=world.tokens.issue_to_user(now=world.now()))

    async def validate_token(self, request: web.Request) -> web.Response:
        """Answer whose token it is, or refuse it."""
        world = self._world
        token = token_of(request)
        if not (world.switches.validate_lies and token in world.tokens.all):
            token = require_token(request, world, renew=world.switches.validate_renews)
        require_client(world, request.match_info["client"])
        user = f"app-{world.tenant.app.id}"
        fields = {"tokenId": token, "username": user, "userFullName": user, "userType": "APP_USER"}
        return answer(request, world, fields)

    async def log_in_by_hand(self, _: web.Request) -> web.Response:
        """Answer with the page of a sign-in form."""
        return login_page()

    def _check(self, client_id: str, app_id: str, app_key: str) -> None:
        world = self._world
        app = world.tenant.app
        if client_id != world.tenant.client_id:
            if world.switches.unknown_client_as_html:
                raise Refused("404 html", "CLIENT_NOT_FOUND")
            raise self._refused("CLIENT_NOT_FOUND")
        if app_id != app.id:
            raise self._refused("APP_NOT_FOUND")
        if not app.active:
            raise self._refused("APP_DISABLED")
        if not hmac.compare_digest(app_key.encode(), app.key.encode()):
            raise self._refused("APP_AUTHENTICATION_FAILED")

    def _refused(self, result_code: str) -> Refused:
        return Refused(f"{self._world.switches.login_refused_status} envelope", result_code)

    def _app(self) -> dict[str, Any]:
        app = self._world.tenant.app
        pkey = [{"name": "pkey", "value": app.pkey}] if app.pkey else []
        return {
            "id": app.id,
            "prettyId": "download-connector",
            "displayName": "Download connector",
            "active": True,
            "appType": "CUSTOM",
            "rootCategoryId": app.root_folder_id,
            "ownerUsername": "sandbox.owner",
            "canDisguise": app.can_disguise,
            "domainsWhiteList": [],
            "metadata": [*pkey, {"name": "tracking_context", "value": "sandbox"}],
            # Present in the model (docs/thron.md 2.1): a reason never to log this answer.
            "credential": {"sysusername": "app-user", "password": "sandbox-syspassword"},
            "creationDate": "2024-01-10T08:00:00.000Z",
            "lastUpdate": "2024-01-10T08:00:00.000Z",
        }
