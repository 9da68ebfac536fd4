# The portal for production: one image for web, worker, beat and migrations (compose.yaml).
# It holds no secret; settings come from the environment at start.

ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS requirements
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/python -m pip install -r /tmp/requirements.txt

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=cliqtel_portal.settings.prod
# /var/lib/cliqtel: the one directory that we may write, for exports and beat's timetable.
RUN groupadd --gid 10001 cliqtel \
 && useradd --uid 10001 --gid cliqtel --no-create-home --home-dir /var/lib/cliqtel \
      --shell /usr/sbin/nologin cliqtel \
 && install -d -o cliqtel -g cliqtel -m 0750 /var/lib/cliqtel
COPY --from=requirements /opt/venv /opt/venv
WORKDIR /app
# Owned by root: the program can't change itself.
COPY . .
# Settings refuse to load without these; nothing is reached, and none of them stays in the image.
RUN DATABASE_URL=postgres://build@127.0.0.1:1/build \
    VALKEY_URL=redis://127.0.0.1:1/0 \
    SECRET_KEY=only-for-collectstatic-while-the-image-is-built-000000 \
    AUDIT_KEY=only-for-collectstatic-while-the-image-is-built-000000 \
    OAUTH_ISSUER=https://build.invalid \
    MCP_RESOURCE_URL=https://build.invalid/mcp \
    EMAIL_URL=consolemail:// \
    python manage.py collectstatic --noinput \
 && python -m compileall -q /app
ENV PYTHONDONTWRITEBYTECODE=1

USER cliqtel
EXPOSE 8000
# The Host header must be one of ours: Django answers others with 400.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-c", "import os, urllib.parse as p, urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'Host': p.urlsplit(os.environ['OAUTH_ISSUER']).netloc}), timeout=4)"]
# -v 0: its own log would have whole addresses, and some are secrets; ours has a line for each request.
CMD ["daphne", "-b", "0.0.0.0", "-p", "8000", "--no-server-name", "-v", "0", "cliqtel_portal.asgi:application"]
