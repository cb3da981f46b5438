# Tidings in a container. `docker build -t tidings .`; README.md, "In Docker", has the rest.

# The builder: Rust and a C compiler (for SQLite and TLS), nothing else.
FROM docker.io/library/rust:1.95-slim-bookworm AS build
RUN command -v update-ca-certificates >/dev/null \
    || { apt-get update && apt-get install --yes --no-install-recommends ca-certificates; }
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin tidings
# All that the program needs of a system: the C library that it is linked with (which looks names up by
# itself), certificates, its user. Time zones and SQLite are compiled in.
RUN mkdir -p /image/etc/ssl/certs /image/etc/tidings /state \
    && ldd target/release/tidings | grep -o '/[^ ]*' | sort -u | xargs -I '{}' cp --parents --dereference '{}' /image \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && echo 'tidings:x:65532:65532::/var/lib/tidings:/none' > /image/etc/passwd \
    && echo 'tidings:x:65532:' > /image/etc/group \
    && echo 'hosts: files dns' > /image/etc/nsswitch.conf \
    && install -d -m 1777 /image/tmp

# The image: no shell, no package manager, nothing to write to but the volume.
FROM scratch
COPY --from=build /image/ /
COPY --from=build /src/target/release/tidings /usr/local/bin/tidings
# A folder of its own for the database; a volume takes over its owner.
COPY --from=build --chown=65532:65532 /state /var/lib/tidings
USER 65532:65532
WORKDIR /var/lib/tidings
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
# Where the database goes if the config does not say; the commands of `docker exec` find it there too.
ENV STATE_DIRECTORY=/var/lib/tidings
# One heap for all threads: a quarter less memory with ten thousand feeds, and no slower.
ENV MALLOC_ARENA_MAX=1
VOLUME ["/var/lib/tidings"]
# The first SIGTERM finishes the request that is out (25 seconds at most), the second one waits for nothing.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s --retries=3 \
    CMD ["/usr/local/bin/tidings", "health", "--config", "/etc/tidings/tidings.toml"]
ENTRYPOINT ["/usr/local/bin/tidings"]
CMD ["run", "--config", "/etc/tidings/tidings.toml"]
