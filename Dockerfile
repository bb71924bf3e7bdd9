# The wheel in a slim image; the database and the server's key live in the volume /data.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY server server
COPY displays displays
COPY notify notify
COPY static static
COPY config config
RUN python -m venv /venv \
    && /venv/bin/python -m pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.12-slim
RUN useradd --create-home --home-dir /data --uid 10001 onthaal
COPY --from=build /venv /venv
USER onthaal
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENV PATH=/venv/bin:$PATH ONTHAAL_DATABASE=sqlite:////data/onthaal.db
HEALTHCHECK --interval=30s --timeout=3s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
CMD ["onthaal", "serve", "--host", "0.0.0.0"]
