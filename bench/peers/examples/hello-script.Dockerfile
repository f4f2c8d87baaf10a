FROM local/python:3.13-slim-trixie AS build
COPY --from=local/uv:latest /uv /uvx /bin/
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=0 VIRTUAL_ENV=/app/.venv
WORKDIR /app
COPY pyproject.toml poetry.lock ./
RUN --mount=type=cache,target=/root/.cache/uv uvx --with poetry-plugin-export poetry export --only main >requirements.txt \
 && uv venv && uv pip sync --require-hashes requirements.txt

FROM local/python:3.13-slim-trixie
ENV PATH="/app/.venv/bin:$PATH"
RUN useradd -U -M -d /nonexistent app
COPY --from=build /app/.venv /app/.venv
USER app
WORKDIR /app
COPY hello_world ./hello_world
ENTRYPOINT ["python", "hello_world/main.py"]
