# One image for the server, the worker, the reports and the look-ups: compose.yaml says what each of them runs.
# docs/containers.md says how it is used, and how it was tried.
FROM python:3.11-slim-bookworm

# Extras of pyproject.toml; 'serve,postgres,neural' would add PyTorch.
ARG EXTRAS=serve,postgres,redis,s3

ENV PATH=/opt/shelftalker/.venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1

# libgomp1 is what LightGBM needs; all the rest comes as wheels, so there is no compiler.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

# The home is a volume: a new one takes owner and folders from here. A number, as a bind mount knows no names.
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/shelftalker --shell /usr/sbin/nologin shelftalker \
    && install -d -m 0750 -o shelftalker -g shelftalker /var/lib/shelftalker /var/lib/shelftalker/datasets

WORKDIR /opt/shelftalker

# What it depends on, in a layer of its own: an edit of the code does not install it again.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN python3 -m venv .venv \
    && mkdir data_contracts tasks flows \
    && touch data_contracts/__init__.py tasks/__init__.py flows/__init__.py \
    && pip install --quiet --constraint constraints.txt ".[${EXTRAS}]" \
    && pip uninstall --quiet --yes shelftalker

COPY data_contracts data_contracts
COPY tasks tasks
COPY flows flows
COPY deployments deployments
RUN pip install --quiet --constraint constraints.txt --editable . \
    && python -m compileall -q data_contracts tasks flows deployments

ENV SHELFTALKER_ROOT=/opt/shelftalker \
    SHELFTALKER_HOME=/var/lib/shelftalker \
    PREFECT_HOME=/var/lib/shelftalker/prefect \
    PREFECT_RESULTS_LOCAL_STORAGE_PATH=/var/lib/shelftalker/results \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    GX_ANALYTICS_ENABLED=false \
    NUMBA_CACHE_DIR=/var/lib/shelftalker/cache/numba \
    MPLCONFIGDIR=/var/lib/shelftalker/cache/matplotlib

USER shelftalker
VOLUME /var/lib/shelftalker
CMD ["shelftalker", "--help"]
