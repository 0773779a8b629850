# The service with its model, as `tox -e package` left it in dist/:
#   docker build --tag house-price-regression . && docker run --read-only --publish 5000:5000 house-price-regression
# Settings are those of the environment: docs/deploying.md.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
WORKDIR /build
COPY requirements/serving.txt dist/*.whl ./
# How pip reaches its packages, where it needs telling, comes as secrets, which no layer keeps.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    --mount=type=secret,id=certificates,target=/run/secrets/certificates \
    python3 -m venv /opt/service \
    && /opt/service/bin/pip install --no-cache-dir --require-hashes --requirement serving.txt \
    && /opt/service/bin/pip install --no-cache-dir --no-deps house_price_regression-*.whl \
    && /opt/service/bin/pip check \
    && /opt/service/bin/regression-model doctor \
    && /opt/service/bin/pip uninstall --yes --quiet setuptools pip

# The same base in both stages: the environment refers to its Python.
FROM ${BASE}
COPY --from=build /opt/service /opt/service
WORKDIR /srv
COPY gunicorn.conf.py ./
COPY ml_api ml_api
# The source commit of the service, where it is given: --build-arg REVISION=$(git rev-parse HEAD)
ARG REVISION
RUN if [ -n "$REVISION" ]; then echo "$REVISION" > ml_api/REVISION; fi
ENV PATH=/opt/service/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORT=5000
# A number, which a cluster can see is not root's. Nothing in the image belongs to it.
USER 10001:10001
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/ready', timeout=2)"]
CMD ["gunicorn", "ml_api.wsgi:app"]
