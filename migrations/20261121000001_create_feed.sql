-- One polled address: what the last fetch left for the next one. All times are UTC milliseconds.
create table feed (
    name            text    not null primary key,
    -- the address that the validators and the first run belong to; another one in the config drops both
    url             text    not null,
    title           text    not null default '',
    -- validators, byte for byte as the server sent them, and the final address that they belong to
    etag            blob,
    last_modified   blob,
    validators_url  text,
    body_hash       blob,
    -- which reader served the last good fetch, and what it repaired
    reader          text    not null default '',
    repairs         text    not null default '',
    first_read_at   integer,
    last_polled_at  integer,
    last_good_at    integer,
    next_poll_at    integer not null,
    failures        integer not null default 0 check (failures >= 0),
    last_error      text    not null default '',
    -- set by a 410: the feed is retired
    gone_at         integer
) strict;
