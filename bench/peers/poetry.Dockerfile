# The guides' form for Poetry, cache-friendly: a builder with Poetry, dependencies before sources, a slim image without it.
# No bytecode: Poetry does not compile unless told to.
FROM local/poetry:latest AS build
ENV POETRY_NO_INTERACTION=1 POETRY_VIRTUALENVS_IN_PROJECT=1 POETRY_VIRTUALENVS_CREATE=1 POETRY_CACHE_DIR=/tmp/poetry_cache \
    REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
WORKDIR /app
COPY pyproject.toml poetry.lock ./
RUN --mount=type=cache,target=/tmp/poetry_cache poetry install --only main --no-root

FROM local/python:3.13-slim-trixie AS runtime
ENV VIRTUAL_ENV=/app/.venv PATH="/app/.venv/bin:$PATH"
RUN useradd -U -M -d /nonexistent app
COPY --from=build /app/.venv /app/.venv
USER app
WORKDIR /app
COPY app ./app
ENTRYPOINT ["python", "app/main.py"]
