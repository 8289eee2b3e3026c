"""Opens provider sessions: of a poll, of a user's own call, and the first one before an instance is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from signalpost.connectors.authorising import Grant, authorise, find_grant
from signalpost.connectors.base import Connector
from signalpost.connectors.budget import Budget
from signalpost.connectors.containment import find_host_to_call
from signalpost.connectors.pacing import CallLater, Pace, Paces, call_later
from signalpost.connectors.session import ProviderSession
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.tokens import FixedToken, InstanceTokens
from signalpost.model.ids import InstanceId
from signalpost.model.instance import PollState, Tokens
from signalpost.model.quota import read_allowance
from signalpost.observe import Metrics
from signalpost.outbound import Outbound
from signalpost.store.tokens import TokenRows
from signalpost.tracing import NO_TRACES, Tracer


class Sessions:
    """Opens sessions; remembers the pace of each token."""

    def __init__(
        self,
        outbound: Outbound,
        oauth2: OAuth2,
        rows: TokenRows,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        later: CallLater = call_later,
        tracer: Tracer = NO_TRACES,
    ) -> None:
        self._outbound = outbound
        self._oauth2 = oauth2
        self._rows = rows
        self._metrics = metrics
        self._clock = clock
        self._tracer = tracer
        self._paces = Paces(monotonic, later)

    def open(self, connector: Connector, state: PollState) -> ProviderSession:
        """Open the session of a poll: in the background, within polling's share of the day's calls."""
        return self._open(
            connector,
            state.instance_id,
            state.configuration,
            state.tokens,
            state.quota,
            for_user=False,
        )

    def open_for_user(
        self,
        connector: Connector,
        *,
        instance_id: InstanceId,
        configuration: Mapping[str, str],
        tokens: Tokens,
        quota: Mapping[str, Any] | None,
    ) -> ProviderSession:
        """Open the session of a user's own call: before all polls, for as long as the provider lets it."""
        return self._open(connector, instance_id, configuration, tokens, quota, for_user=True)

    def _open(
        self,
        connector: Connector,
        instance_id: InstanceId,
        configuration: Mapping[str, str],
        tokens: Tokens,
        quota: Mapping[str, Any] | None,
        *,
        for_user: bool,
    ) -> ProviderSession:
        return ProviderSession(
            connector=connector,
            base_url=find_host_to_call(connector, configuration),
            outbound=self._outbound,
            tokens=InstanceTokens(
                instance_id=instance_id,
                connector=connector,
                configuration=configuration,
                tokens=tokens,
                rows=self._rows,
                oauth2=self._oauth2,
                clock=self._clock,
                on_renewed=self._paces.carry_on,
                metrics=self._metrics,
            ),
            # By token, as the provider counts: the first call, before the instance was stored, counts as well.
            pace=self._find_pace(connector, configuration, tokens.access_token),
            budget=Budget(read_allowance(quota, connector.calls_a_day, self._clock()), self._clock),
            for_user=for_user,
            tracer=self._tracer,
            authorise=partial(authorise, connector, configuration),
        )

    def _find_pace(self, connector: Connector, configuration: Mapping[str, str], access_token: str) -> Pace:
        """Find the pace by what authorises the calls: the token, or where there is none what is sent, and the host."""
        key = access_token
        if find_grant(connector) is Grant.CONFIGURATION:
            sent = [sorted(each.items()) for each in authorise(connector, configuration, access_token)]
            key = f"{find_host_to_call(connector, configuration)} {sent}"
        return self._paces.find(key, connector.calls_per_second)

    def open_first(
        self, connector: Connector, configuration: Mapping[str, str], access_token: str
    ) -> ProviderSession:
        """Open a session with a token just given (``instances.lifecycle.OpenFirstSession``)."""
        return ProviderSession(
            connector=connector,
            base_url=find_host_to_call(connector, configuration),
            outbound=self._outbound,
            tokens=FixedToken(access_token),
            pace=self._find_pace(connector, configuration, access_token),
            budget=Budget(None, self._clock),
            for_user=True,
            authorise=partial(authorise, connector, configuration),
        )
