-- How the config was taken over last, for who asks beside the running daemon: what it refused and
-- what waits for a restart.
create table reload (
    id         integer not null primary key check (id = 1),
    read_at    integer not null,
    -- A later version was refused; the one of read_at holds.
    refused_at integer,
    refusal    text not null default '',
    restart    text not null default '',
    check ((refused_at is null) = (refusal = ''))
) strict;

-- How often a command of the program changed the config's file: a running daemon reads it again.
alter table hand add column configs integer not null default 0;
