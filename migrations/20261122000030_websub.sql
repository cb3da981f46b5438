-- Subscriptions to changes of feeds (WebSub), one for each feed whose publisher names a hub.
create table websub (
    feed         text    not null primary key,
    -- the address that the hub knows the feed under
    topic        text    not null,
    hub          text    not null,
    -- the last part of our callback's path, which nobody can guess
    token        text    not null unique,
    -- 'new': nobody was asked; 'asked': the hub may verify that we asked; 'active': it did; 'denied': it refused
    state        text    not null check (state in ('new', 'asked', 'active', 'denied')),
    -- when the hub was asked last, which it may verify for a while
    asked_at     integer,
    lease_until  integer,
    -- the last push whose signature was right; null as long as there is no reason to rely on pushes
    pushed_at    integer,
    -- when the hub is asked next
    next_at      integer not null,
    failures     integer not null default 0 check (failures >= 0),
    last_error   text    not null default '',
    check (state <> 'active' or lease_until is not null)
) strict;

-- What the secrets of all subscriptions are made of: random, and of this database alone.
create table websub_key (
    only integer not null primary key check (only = 1),
    key  blob    not null check (length(key) = 32)
) strict;
