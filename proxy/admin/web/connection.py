"""The connection to THRON: credentials, and what they let the connector do."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from proxy.admin import credentials
from proxy.admin.auth.request_context import CALLER
from proxy.admin.capabilities import Granted, Right, Trial
from proxy.admin.credentials import NewCredentials
from proxy.admin.web import forms, kept_forms, pages
from proxy.admin.web.connector_labels import DELIVERY_NAMES
from proxy.admin.web.forms import Form
from proxy.admin.web.notices import Notice, leave
from proxy.admin.web.rendering import render, see_other
from proxy.connectors.store import ConnectorWatch
from proxy.tenant import AppContext
from proxy.text import Text

TITLES: Mapping[Right, Text] = {
    Right.LOG_IN: Text("Log in to THRON"),
    Right.FOLDER: Text("See the folder that the application is installed on"),
    Right.SOURCE_FILES: Text("Download original files"),
    Right.RENDITIONS: Text("Deliver published renditions"),
    Right.METADATA: Text("See the definitions of custom metadata"),
}

# What each is good for where it works, and what to ask for where it does not.
EXPLANATIONS: Mapping[tuple[Right, Granted], Text] = {
    (Right.LOG_IN, Granted.YES): Text("Client ID, app ID and app key match."),
    (Right.LOG_IN, Granted.NO): Text(
        "Ask the THRON administrator for the AppID and the AppKey of the Custom Application, and"
        " whether it is switched on."
    ),
    (Right.LOG_IN, Granted.UNKNOWN): Text(
        "THRON did not answer. Check that this machine can reach it, and that the client ID is"
        " spelled correctly."
    ),
    (Right.FOLDER, Granted.YES): Text("Connectors can be installed on it and on those below."),
    (Right.FOLDER, Granted.NO): Text(
        "Ask for the Custom Application to be installed on the folder with your contents."
    ),
    (Right.FOLDER, Granted.UNKNOWN): Text("This could not be determined. Test again later."),
    (Right.SOURCE_FILES, Granted.YES): Text(
        "Connectors can deliver files exactly as they were uploaded."
    ),
    (Right.SOURCE_FILES, Granted.NO): Text(
        "Ask for the share right on the contents of the folder, for the Custom Application."
    ),
    (Right.SOURCE_FILES, Granted.UNKNOWN): Text(
        "There is no published content to try it with. Test again once there is one."
    ),
    (Right.RENDITIONS, Granted.YES): Text(
        "Connectors can deliver from THRON's CDN, and keep working while its API is down."
    ),
    (Right.RENDITIONS, Granted.NO): Text(
        "Ask for the public share (pkey) of the Custom Application to be switched on. Without it,"
        " only original files can be delivered."
    ),
    (Right.RENDITIONS, Granted.UNKNOWN): Text(
        "There is no published content to try it with. Test again once there is one."
    ),
    (Right.METADATA, Granted.YES): Text("Addresses can be built from a custom metadata field."),
    (Right.METADATA, Granted.NO): Text(
        "If addresses should be built from a custom metadata field, ask for the viewer role on"
        " the classifications."
    ),
    (Right.METADATA, Granted.UNKNOWN): Text("This could not be determined. Test again later."),
}


@dataclass(frozen=True, slots=True)
class ConnectionPages:
    """The connection, shown and changed."""

    context: AppContext
    watch: ConnectorWatch

    @pages.get("/connection")
    async def show(self, request: web.Request) -> web.Response:
        """Show the connection; with ``?test`` also what it lets the connector do."""
        known = await credentials.connection(self.context)
        trial = await credentials.explored(self.context) if known.client_id else None
        kept = kept_forms.restored(request, NewCredentials)
        form = kept or (
            forms.filled(
                NewCredentials(
                    client_id=known.client_id, app_id=known.app_id, username=known.username
                )
            )
            if known.client_id and known.app_id
            else forms.blank()
        )
        return await self._page(request, form, trial)

    @pages.post("/connection", keeps=NewCredentials)
    async def save(self, request: web.Request) -> web.Response:
        """Try credentials, and keep them if THRON takes them."""
        if self.context.settings.is_set_up or not credentials.can_keep(self.context):
            raise web.HTTPForbidden
        form = forms.read(await request.post(), NewCredentials)
        if form.value is None:
            return await self._page(request, form, None, status=422)
        given = await credentials.whole(self.context, form.value)
        if given is None:
            missing = form.with_problem(Text("Fill this in."), field="app_key")
            return await self._page(request, missing, None, status=422)
        trial = await credentials.tried(self.context, given)
        if not trial.is_logged_in:
            refused = form.with_problem(
                Text("THRON rejected these credentials. Nothing was saved.")
                if trial.is_refused
                else Text("THRON could not be reached. Nothing was saved.")
            )
            return await self._page(request, refused, trial, status=422)
        await credentials.keep(self.context, given, trial, actor=request[CALLER].actor)
        return leave(see_other("/connection"), Notice.CONNECTED, request)

    async def _page(
        self,
        request: web.Request,
        form: Form[NewCredentials],
        trial: Trial | None,
        *,
        status: int = 200,
    ) -> web.Response:
        known = await credentials.connection(self.context)
        return render(
            request,
            "connection.html",
            status=status,
            known=known,
            can_keep=credentials.can_keep(self.context),
            is_key_lost=self.context.connection.is_key_lost,
            form=form,
            trial=trial,
            titles=TITLES,
            explanations=EXPLANATIONS,
            delivery_names=DELIVERY_NAMES,
            connectors=len(self.watch.connectors.all),
        )
