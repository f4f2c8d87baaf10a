# psycopg2 and uWSGI are compiled in the first stage, uWSGI without XML, as lithe compiles it; the second has the library that psycopg2 links to.
FROM local/python:3.13-slim-trixie AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev libpq-dev python3-dev
COPY --from=local/uv:latest /uv /uvx /bin/
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=0 VIRTUAL_ENV=/app/.venv
WORKDIR /app
COPY Pipfile Pipfile.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    uv venv && uvx pipenv requirements --hash >requirements.txt && uv pip sync --require-hashes requirements.txt

FROM local/python:3.13-slim-trixie
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
ENV PATH="/app/.venv/bin:${PATH}"
RUN useradd -U -M -d /nonexistent app
COPY --from=build /app/.venv /app/.venv
USER app
WORKDIR /app
COPY . .
EXPOSE 8000
CMD ["uwsgi", "--ini", "uwsgi.ini", "--home", "/app/.venv"]
