-- A stop with a cause. A closed one is kept a while, so that the next one like it waits longer.
create table breaker (
    scope     text    not null,
    cause     text    not null,
    opened_at integer not null,
    closed_at integer,
    -- how often it failed a probe or came back
    strikes   integer not null default 0 check (strikes >= 0),
    -- when it is probed next, or ends by itself; null: a person ends it
    probe_at  integer,
    detail    text    not null default '',
    primary key (scope, cause)
) strict, without rowid;
