# Tidings in a container. `docker build -t tidings .`; README.md, "In Docker", has the rest.

# The builder: Rust and a C compiler (for SQLite and TLS), nothing else.
FROM docker.io/library/rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin tidings

FROM docker.io/library/debian:bookworm-slim
# The certificates are the only thing Tidings needs from the system: time zones and SQLite are compiled in.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/tidings /usr/local/bin/tidings
# A folder of its own for the database; a volume takes over its owner.
RUN install -d -o 65532 -g 65532 -m 0700 /var/lib/tidings
USER 65532:65532
WORKDIR /var/lib/tidings
# Where the database goes if the config does not say; the commands of `docker exec` find it there too.
ENV STATE_DIRECTORY=/var/lib/tidings
VOLUME ["/var/lib/tidings"]
# The first SIGTERM finishes the request that is out (25 seconds at most), the second one waits for nothing.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s --retries=3 \
    CMD ["/usr/local/bin/tidings", "health", "--config", "/etc/tidings/tidings.toml"]
ENTRYPOINT ["/usr/local/bin/tidings"]
CMD ["run", "--config", "/etc/tidings/tidings.toml"]
