# The image of every component, and of Beam's workers: the locked packages and this one. Build it from the root of a
# checkout: docker build -t IMAGE .
# Its versions are those of uv.lock; tests/test_dockerfile.py compares them.
ARG PYTHON=3.11
ARG BEAM=2.72.0
ARG UV=0.13.9

FROM ghcr.io/astral-sh/uv:${UV} AS uv
FROM apache/beam_python${PYTHON}_sdk:${BEAM} AS beam

FROM python:${PYTHON}-slim-bookworm
COPY --from=uv /uv /usr/local/bin/uv
COPY --from=beam /opt/apache/beam /opt/apache/beam

# Into the image's own Python, where Beam's boot program looks for the packages.
ENV UV_SYSTEM_PYTHON=1 UV_NO_CACHE=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
# More extras of pyproject.toml, for instance: --build-arg EXTRAS="--extra gpu"
ARG EXTRAS=""
WORKDIR /src

# The packages have a layer of their own, which edits of this one leave as it is.
COPY pyproject.toml uv.lock ./
RUN uv export --quiet --frozen --no-dev --no-emit-project --extra vertex ${EXTRAS} --output-file /tmp/locked.txt
RUN uv pip install --quiet --require-hashes --requirements /tmp/locked.txt

COPY README.md LICENSE ./
COPY tfx_sequences tfx_sequences
RUN uv build --quiet --wheel --out-dir /tmp/wheel
RUN uv pip install --quiet --no-deps /tmp/wheel/*.whl

# Where the loader finds CUDA's libraries, if the extra brought them, and the machine's driver.
RUN find /usr/local/lib -path "*/nvidia/*/lib" -type d > /etc/ld.so.conf.d/cuda.conf && ldconfig
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility LD_LIBRARY_PATH=/usr/local/nvidia/lib64

WORKDIR /
RUN rm -r /src /tmp/wheel /tmp/locked.txt
# Kubeflow and Vertex AI put each component's own command in its place; Beam's runners use it as it is.
ENTRYPOINT ["/opt/apache/beam/boot"]
