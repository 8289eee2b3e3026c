"""The service without its working roles, as the tests of the API have it."""

from tests.api.conftest import shared, still

__all__ = ["shared", "still"]
