# One image for every process of ours; which of them it is, the command says (docker-compose.yml).
ARG PYTHON_IMAGE=python:3.11-slim
ARG NODE_IMAGE=node:22-slim

# What the page loads in the browser, by the lock's checksums.
FROM ${NODE_IMAGE} AS page
WORKDIR /page
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --silent --no-progress && mkdir vendor \
    && cp node_modules/htmx.org/dist/htmx.min.js node_modules/echarts/dist/echarts.min.js vendor \
    && gzip -9 -n -k vendor/*.js

FROM ${PYTHON_IMAGE} AS wheel
WORKDIR /source
COPY pyproject.toml README.md ./
COPY api api
COPY streams streams
COPY pipelines pipelines
COPY warehouse warehouse
COPY dagster_project dagster_project
COPY --from=page /page/vendor api/pages/static/vendor
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM ${PYTHON_IMAGE}
WORKDIR /app

# The lock changes seldom, the code often: this layer is kept. Nothing is compiled, nothing is
# installed that is not in the lock with its checksum. --no-deps: the lock is whole, and with hashes
# pip takes `gql[requests]` for something that it does not name. `pip check` says if it was not.
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes --no-deps --only-binary=:all: \
    --requirement requirements.lock
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --no-index --no-deps /wheels/*.whl && pip check

# Dagster finds its code location in pyproject.toml, and its instance's settings in dagster.yaml. The
# brackets: without that file the image is built too, with an empty one, which means the defaults.
COPY pyproject.toml .dagster/dagster.yam[l] ./

# New volumes take owner and content from here. dagster.yaml is a link, so that a volume made by an
# older image follows the newer one's settings.
RUN touch dagster.yaml \
    && useradd --system --uid 10001 --home-dir /var/lib/omnichannel omnichannel \
    && cd /var/lib && mkdir -p omnichannel/state omnichannel/warehouse omnichannel/dagster \
        omnichannel/pictures omnichannel/enrichment omnichannel/access omnichannel/live \
    && ln -s /app/dagster.yaml omnichannel/dagster/dagster.yaml \
    && chown -R omnichannel:omnichannel omnichannel
USER omnichannel

# Where this image keeps things; docs/operations.md describes these and every other variable.
#   OMNICHANNEL_STATE_FOLDER  the worker's RocksDB: one folder for each running worker
#   OMNICHANNEL_LOG_FILE      the log lines once more, rotated; the console has them too
#   API_LOG_FILE              the API's log lines
#   ENRICHMENT_LOG_FILE       the enrichment's
#   OMNICHANNEL_KEYS_FILE     who may call the API; the sessions' secret is beside it
#   LIVE_VIEW_FOLDER          the API's own view of the customers: one folder for each running API
#   PICTURES_FOLDER           customers' pictures: the enrichment writes, the API serves
#   ENRICHMENT_FOLDER         what the enrichment has to look up, and what it found
#   WAREHOUSE_FOLDER          the loader's DuckDB file and the published copy
#   DAGSTER_HOME              Dagster's runs, schedules and logs
#   PYTHONUNBUFFERED          a line is in `docker logs` when it is written
ENV OMNICHANNEL_STATE_FOLDER=/var/lib/omnichannel/state \
    OMNICHANNEL_LOG_FILE=/var/lib/omnichannel/state/omnichannel.log \
    API_LOG_FILE=/var/lib/omnichannel/state/api.log \
    OMNICHANNEL_KEYS_FILE=/var/lib/omnichannel/access/keys.json \
    LIVE_VIEW_FOLDER=/var/lib/omnichannel/live \
    PICTURES_FOLDER=/var/lib/omnichannel/pictures \
    ENRICHMENT_FOLDER=/var/lib/omnichannel/enrichment \
    ENRICHMENT_LOG_FILE=/var/lib/omnichannel/state/enrichment.log \
    WAREHOUSE_FOLDER=/var/lib/omnichannel/warehouse \
    DAGSTER_HOME=/var/lib/omnichannel/dagster \
    PYTHONUNBUFFERED=1

CMD ["omnichannel", "--help"]
