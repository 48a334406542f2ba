# One server with its data in /data. docs/self-hosting.md explains how to run it; compose.yaml does.
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
ENV UV_PROJECT_ENVIRONMENT=/opt/clipwise UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1 UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.8
# Dependencies in a layer of their own, which changes with the lock only.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-default-groups --extra embedded --no-install-project
COPY README.md LICENSE ./
COPY clipwise clipwise
COPY functions functions
COPY infra infra
COPY shared shared
COPY web web
RUN uv sync --frozen --no-default-groups --extra embedded --no-editable

FROM python:3.13-slim-bookworm
RUN groupadd --system --gid 10001 clipwise \
    && useradd --system --uid 10001 --gid clipwise --home-dir /data --shell /usr/sbin/nologin clipwise \
    && install --directory --owner=clipwise --group=clipwise --mode=0700 /data
COPY --from=build /opt/clipwise /opt/clipwise
# Large request bodies wait in files; /tmp may be memory.
ENV PATH=/opt/clipwise/bin:$PATH CLIPWISE_DATA=/data TMPDIR=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --start-period=60s --interval=30s --timeout=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=5)"]
ENTRYPOINT ["clipwise"]
CMD ["up", "--host", "0.0.0.0"]
