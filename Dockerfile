# syntax=docker/dockerfile:1
# An image that serves the model mounted at /model. Build it from this folder: docker build -t unrolled .
FROM python:3.12-slim AS build
WORKDIR /source
COPY constraints.txt pyproject.toml setup.py* README.md LICENSE ./
COPY src src
RUN python -m venv /opt/unrolled \
 && /opt/unrolled/bin/pip install --no-cache-dir -c constraints.txt '.[serve]'

FROM python:3.12-slim
COPY --from=build /opt/unrolled /opt/unrolled
ENV PATH=/opt/unrolled/bin:$PATH \
    GOMP_SPINCOUNT=0 \
    MPLCONFIGDIR=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 65534:65534
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
# Loopback inside a container reaches nobody, so it listens on all of the container's addresses, with a token.
ENTRYPOINT ["unrolled", "serve"]
CMD ["/model", "--host", "0.0.0.0", "--port", "8000", "--token-file", "/run/token"]
