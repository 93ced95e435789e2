# One image for the worker, the desk, the migrations, the NetSuite sandbox and the CLI; docker-compose.yml says which runs where,
# and how each one's health is seen.
#
#   docker build -t service-holds .

FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM python:3.11.15-slim-bookworm AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
COPY --from=uv /uv /usr/local/bin/uv
WORKDIR /app

# The packages are a layer of their own: a change of our code does not fetch them again.
COPY pyproject.toml uv.lock README.md LICENSE NOTICE ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --no-install-project

COPY worker.py ./
COPY activities/ activities/
COPY credit/ credit/
COPY db/ db/
COPY desk/ desk/
COPY netsuite/ netsuite/
COPY rendering/ rendering/
COPY runtime/ runtime/
COPY services/ services/
COPY starter/ starter/
COPY workflows/ workflows/
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev

# Same base and same paths as `build`, because the environment points to both.
FROM python:3.11.15-slim-bookworm AS run
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# A new volume takes over the owner of the folder it is mounted on, so these exist beforehand. The id is a number, so
# that an orchestrator can see that it is not root.
RUN useradd --uid 10001 --user-group --create-home --shell /usr/sbin/nologin holds \
    && install --directory --owner=holds --group=holds --mode=0700 \
        /var/lib/service-holds/anchors \
        /var/lib/service-holds/operator \
        /var/lib/service-holds/keys \
        /var/lib/service-holds/netsuite
WORKDIR /app
COPY --from=build /app /app
USER 10001:10001
CMD ["python", "-m", "worker"]
