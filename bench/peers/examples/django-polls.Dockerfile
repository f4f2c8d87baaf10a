FROM local/python:3.13-slim-trixie AS build
COPY --from=local/uv:latest /uv /bin/
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=0 VIRTUAL_ENV=/app/.venv
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=requirements.txt,target=requirements.txt \
    uv venv && uv pip sync --require-hashes requirements.txt

FROM local/python:3.13-slim-trixie
ENV PATH="/app/.venv/bin:${PATH}"
RUN useradd -U -M -d /nonexistent app
COPY --from=build /app/.venv /app/.venv
USER app
WORKDIR /app
COPY . .
EXPOSE 8000
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--worker-tmp-dir", "/dev/shm", "mysite.wsgi"]
