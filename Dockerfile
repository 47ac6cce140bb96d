# syntax=docker/dockerfile:1

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY conf conf
COPY src src
# Cargo wants every target of the manifest to exist, though only the program is built.
COPY tests tests
RUN cargo build --release --locked --bin vestibule

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /vestibule --create-home vestibule \
 && install -d -o vestibule -g vestibule -m 0700 /vestibule/data /vestibule/certs
COPY --from=build /src/target/release/vestibule /usr/local/bin/vestibule
COPY --chown=root:root conf /vestibule/conf
USER 10001
WORKDIR /vestibule
# Keys and what else must outlive the container.
VOLUME ["/vestibule/data", "/vestibule/certs"]
EXPOSE 8443 8080 9090
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s --retries=3 CMD ["vestibule", "health"]
ENTRYPOINT ["vestibule"]
CMD ["run"]
