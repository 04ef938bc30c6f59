# One image for the operator (`certwright run`) and the solver pods (`certwright respond`).
#
#   docker build -t certwright .
#
# Behind a mirror of the package index: --secret id=pip.conf,src=…, and --secret id=ca.pem,src=… for its CA.
# The base is any Debian-like image with Python 3.11 or later, its venv module and glibc. It is a moving tag on
# purpose: pin the digest that you have looked at with --build-arg BASE=name@sha256:…
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS build
# The hash seed decides the order of constants in bytecode; two builds shall be the same.
ENV PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /build/pip && python3 -m venv --without-pip /opt/certwright
COPY requirements.lock /build/
# Wheels only, each with the hash in the lock: nothing is compiled and no package's code runs.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem \
    /build/pip/bin/pip --python /opt/certwright/bin/python install --no-cache-dir --no-compile --quiet \
    --only-binary=:all: --require-hashes --requirement /build/requirements.lock
COPY image/root_tree.py /build/
COPY operator/certwright /build/operator/certwright
# A link in the package leads there.
COPY crds /build/crds
COPY LICENSE /build/
# The interpreter, the libraries that it loads, and the program: no shell, no package manager, no pip.
RUN python3 /build/root_tree.py /opt/certwright /build/operator/certwright /build/LICENSE /build/root

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="certwright" \
      org.opencontainers.image.description="A Kubernetes operator that keeps TLS certificates valid, using ACME" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /build/root /
# Bytecode is in the image, so nothing is ever written: the root may be read-only.
ENV PATH=/opt/certwright/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONSAFEPATH=1
# Any other user will do as well: all files are for everybody to read.
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/opt/certwright/bin/certwright"]
CMD ["run"]
