"""The portal: every page is also the API. Routes are in `pages`; how they are answered is in `server`."""

from __future__ import annotations

import places
import registry
import server
from adapter import adapted
from route_index import ROUTES

from introducer.runtime.problems import answering

places.open_for(ROUTES)
handler = answering(server.CHALLENGE)(adapted(server.app, ROUTES, registry.ready))
