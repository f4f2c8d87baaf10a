FROM local/python:3.13-slim-trixie AS build
COPY --from=local/uv:latest /uv /bin/
ENV UV_LINK_MODE=copy UV_NO_DEV=1 UV_PYTHON_DOWNLOADS=0
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    uv sync --locked --no-install-project
COPY . .
RUN --mount=type=cache,target=/root/.cache/uv uv sync --locked --no-editable

FROM local/python:3.13-slim-trixie
ENV PATH="/app/.venv/bin:${PATH}"
RUN useradd -U -M -d /nonexistent app
COPY --from=build /app/.venv /app/.venv
USER app
WORKDIR /app
EXPOSE 8000
CMD ["uvicorn", "fastapi_service.app:app", "--host", "0.0.0.0", "--port", "8000"]
