"""Opens provider sessions: of stored instances, and the first one before an instance is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from signalpost.connectors.base import Connector
from signalpost.connectors.session import Paces, ProviderSession
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.tokens import FixedToken, InstanceTokens
from signalpost.model.instance import PollState
from signalpost.outbound import Outbound
from signalpost.store.tokens import TokenRows


class Sessions:
    """Opens sessions; remembers the pace of each token."""

    def __init__(
        self,
        outbound: Outbound,
        oauth2: OAuth2,
        rows: TokenRows,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._outbound = outbound
        self._oauth2 = oauth2
        self._rows = rows
        self._clock = clock
        self._paces = Paces(monotonic)

    def open(self, connector: Connector, state: PollState) -> ProviderSession:
        """Open the session of a stored instance (``polling.poller.OpenSession``)."""
        tokens = InstanceTokens(
            instance_id=state.instance_id,
            connector=connector,
            configuration=state.configuration,
            tokens=state.tokens,
            rows=self._rows,
            oauth2=self._oauth2,
            clock=self._clock,
        )
        return ProviderSession(
            connector=connector,
            base_url=connector.find_host(state.configuration),
            outbound=self._outbound,
            tokens=tokens,
            # By token, as the provider counts: the first call, before the instance was stored, counts as well.
            pace=self._paces.find(state.tokens.access_token, connector.calls_per_second),
        )

    def open_first(
        self, connector: Connector, configuration: Mapping[str, str], access_token: str
    ) -> ProviderSession:
        """Open a session with a token just given (``instances.lifecycle.OpenFirstSession``)."""
        return ProviderSession(
            connector=connector,
            base_url=connector.find_host(configuration),
            outbound=self._outbound,
            tokens=FixedToken(access_token),
            pace=self._paces.find(access_token, connector.calls_per_second),
        )
