"""The REST API, at ``/elements/api-v2`` as in Open Connectors: a client changes its host name and goes on."""
