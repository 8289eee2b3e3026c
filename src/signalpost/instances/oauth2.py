"""OAuth2, code flow: the address to send the person to, the code's exchange, the refresh (RFC 6749 4.1 and 6, 7636)."""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote_plus, urlencode

import orjson

from signalpost.connectors.base import Authorization, Connector
from signalpost.connectors.containment import check, contain_configuration
from signalpost.instances.token_answers import MAX_ANSWER_BYTES, REFUSED, is_refusal, read_answer, read_error
from signalpost.model.errors import AddressRefusedError, ConnectorError, RetryLaterError
from signalpost.model.instance import Tokens
from signalpost.outbound import Answer, Outbound, OutboundError
from signalpost.outbound.masking import mask_secrets
from signalpost.store.vault import Vault


def find_authorization(connector: Connector, configuration: Mapping[str, str]) -> Authorization:
    """Have the connector say where its provider authorises.

    Raises:
        InvalidRequestError: it says that a value is wrong; or it failed, which the message says.
    """
    with contain_configuration(connector, "find_authorization"):
        return check("find_authorization", connector.find_authorization(configuration), Authorization)


class OAuth2:
    """Writes addresses of consent pages, and talks to token endpoints.

    What proves the exchange of a code where a connector asks for it (``Authorization.pkce``) is derived of the
    application and of the consent's ``state``: nothing is kept between the two, which may meet different processes.
    A consent that was asked for without a state has the connector's key as its own.
    """

    def __init__(self, outbound: Outbound, clock: Callable[[], datetime], vault: Vault) -> None:
        self._outbound = outbound
        self._clock = clock
        self._vault = vault

    def write_consent_url(
        self,
        connector: Connector,
        configuration: Mapping[str, str],
        *,
        state: str | None,
        scope: str | None = None,
    ) -> str:
        """Give the provider's consent page for ``configuration`` (``oauth.api.key``, ``oauth.callback.url``, ...).

        Raises:
            InvalidRequestError: as ``find_authorization``.
        """
        authorization = find_authorization(connector, configuration)
        parameters = {
            **dict(authorization.parameters),
            "client_id": configuration.get("oauth.api.key", ""),
            "redirect_uri": configuration.get("oauth.callback.url", ""),
            "scope": scope or " ".join(authorization.scopes),
            "state": state or connector.key,
            "response_type": "code",
        }
        if authorization.pkce:
            hashed = hashlib.sha256(self._prove(connector, configuration, state).encode()).digest()
            parameters["code_challenge"] = urlsafe_b64encode(hashed).decode().rstrip("=")
            parameters["code_challenge_method"] = "S256"
        return f"{authorization.authorize_url}?{urlencode(parameters)}"

    async def exchange_code(
        self, connector: Connector, configuration: Mapping[str, str], code: str, *, state: str | None
    ) -> Tokens:
        """Exchange the code that the consent gave; ``state`` is the one that its page was asked with.

        Raises:
            NeedsAuthorisationError: the provider refuses the code or the application's key; its words are in it.
            RetryLaterError: it cannot answer now.
            ConnectorError: its answer is not understood.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": configuration.get("oauth.callback.url", ""),
        }
        if find_authorization(connector, configuration).pkce:
            form["code_verifier"] = self._prove(connector, configuration, state)
        return await self._ask(connector, configuration, form)

    async def refresh(
        self, connector: Connector, configuration: Mapping[str, str], refresh_token: str
    ) -> Tokens:
        """Get new tokens; the old refresh token stays in them where the provider gives no new one.

        Raises as ``exchange_code``.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        tokens = await self._ask(connector, configuration, form)
        if tokens.refresh_token is not None:
            return tokens
        return Tokens(tokens.access_token, refresh_token, tokens.expires_at)

    async def ask_by_application(self, connector: Connector, configuration: Mapping[str, str]) -> Tokens:
        """Get a token by the application's own key and secret (client credentials; RFC 6749, 4.4).

        Raises as ``exchange_code``.
        """
        authorization = find_authorization(connector, configuration)
        form = {**dict(authorization.parameters), "grant_type": "client_credentials"}
        if authorization.scopes:
            form["scope"] = " ".join(authorization.scopes)
        tokens = await self._ask(connector, configuration, form)
        return Tokens(tokens.access_token, None, tokens.expires_at)

    def _prove(self, connector: Connector, configuration: Mapping[str, str], state: str | None) -> str:
        """Give the code verifier of a consent (RFC 7636, 4.1)."""
        about = [connector.key, configuration.get("oauth.api.key", ""), state or connector.key]
        # The console's states are sealed: another process may have another key first, while keys are changed.
        return self._vault.derive("code verifier", orjson.dumps(about).decode(), sealed=state or "")

    async def _ask(
        self, connector: Connector, configuration: Mapping[str, str], form: Mapping[str, str]
    ) -> Tokens:
        url = find_authorization(connector, configuration).token_url
        key, secret = (configuration.get(f"oauth.api.{each}", "") for each in ("key", "secret"))
        answer = await self._post(connector, url, {**form, "client_id": key, "client_secret": secret}, {})
        basic = b64encode(f"{quote_plus(key)}:{quote_plus(secret)}".encode()).decode()
        if answer.status in REFUSED and read_error(answer) == "invalid_client":
            # Every server takes the other way, and many no more than that (RFC 6749, 2.3.1).
            again = await self._post(connector, url, form, {"Authorization": f"Basic {basic}"})
            answer = answer if again.status in REFUSED else again
        # Of a good answer nothing is quoted, and it may give the very refresh token again.
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES or is_refusal(answer):
            answer = mask_secrets(
                answer,
                (*(form.get(each) for each in ("code", "code_verifier", "refresh_token")), secret, basic),
            )
        return read_answer(connector, answer, self._clock())

    async def _post(
        self, connector: Connector, url: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        try:
            return await self._outbound.request(
                "POST",
                url,
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                    **headers,
                },
                body=urlencode(form).encode(),
                max_bytes=MAX_ANSWER_BYTES,
            )
        except OutboundError as error:
            message = f"{connector.name}'s token endpoint did not answer: {error}"
            raise RetryLaterError(message) from error
        except AddressRefusedError as error:
            message = f"{connector.name}'s token endpoint must not be called: {error}"
            raise ConnectorError(message) from error
