# The server. Build: docker build -t headwater . ; what it needs to know comes by environment (docs/configuration.md).
FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY planner planner
COPY bot bot
COPY templates templates
RUN python -m venv /opt/headwater && /opt/headwater/bin/pip install --no-cache-dir '.[bot,postgres]'

FROM python:3.13-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/headwater --create-home headwater
COPY --from=build /opt/headwater /opt/headwater
ENV PATH=/opt/headwater/bin:$PATH \
    HEADWATER_STATE=/var/lib/headwater/state \
    PYTHONUNBUFFERED=1
USER 10001
VOLUME /var/lib/headwater
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["headwater", "serve", "--host", "0.0.0.0"]
