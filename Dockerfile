# The image of Signalpost: one program, any role. From the root of a checkout: docker build --tag signalpost .
FROM python:3.14-slim AS base


FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build

# What the service needs, by its hashes, and nothing that was not built already. Changes seldom, so it comes first.
COPY requirements-service.lock ./
RUN python -m venv --without-pip /opt/signalpost \
    && python -m pip --python /opt/signalpost/bin/python install \
        --require-hashes --only-binary :all: --requirement requirements-service.lock

# What builds our own wheel stays behind.
COPY requirements-build.lock ./
RUN python -m venv --without-pip tools \
    && python -m pip --python tools/bin/python install \
        --require-hashes --only-binary :all: --requirement requirements-build.lock

COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m pip --python tools/bin/python wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && python -m pip --python /opt/signalpost/bin/python install --no-deps wheels/*.whl


FROM base
# A fixed number, so that volumes and policies can name it; with a name, without which PostgreSQL does not start.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/signalpost --shell /usr/sbin/nologin signalpost \
    && install --directory --owner signalpost --group signalpost --mode 0700 /var/lib/signalpost
COPY --from=build /opt/signalpost /opt/signalpost
ENV PATH=/opt/signalpost/bin:$PATH \
    SIGNALPOST_DATA_DIR=/var/lib/signalpost \
    SIGNALPOST_HOST=0.0.0.0 \
    SIGNALPOST_PORT=8080 \
    SIGNALPOST_WORKER_HOST=0.0.0.0 \
    SIGNALPOST_WORKER_PORT=8080 \
    SIGNALPOST_LOG_JSON=true
USER 10001:10001
WORKDIR /var/lib/signalpost
VOLUME /var/lib/signalpost
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import http.client as http, os, sys; asked = http.HTTPConnection('127.0.0.1', int(os.environ['SIGNALPOST_PORT']), timeout=4); asked.request('GET', '/healthz'); sys.exit(asked.getresponse().status != 200)"]
ENTRYPOINT ["signalpost"]
CMD ["serve"]
