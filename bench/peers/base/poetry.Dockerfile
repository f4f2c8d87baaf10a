# What the Poetry peer begins with: the slim Python image with Poetry in a virtual environment of its own, as the guides
# install it with pip or pipx.
FROM local/python:3.13-slim-trixie
# Poetry has certificates of its own, and this machine may know a mirror's.
ENV REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt
ARG POETRY
COPY --from=local/uv:latest /uv /bin/
RUN uv venv --quiet --python /usr/bin/python3.13 /opt/poetry \
 && UV_LINK_MODE=copy uv pip install --quiet --no-cache --compile-bytecode --python /opt/poetry/bin/python "poetry==${POETRY}" \
 && ln -s /opt/poetry/bin/poetry /usr/local/bin/poetry \
 && rm /bin/uv
