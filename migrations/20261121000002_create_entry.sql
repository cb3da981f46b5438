-- One item of a feed, as first seen.
create table entry (
    id            integer not null primary key,
    feed          text    not null,
    title         text    not null,
    link          text,
    -- the item as published, as JSON: a post can be rendered anew after the entry left its feed
    item          text    not null,
    first_seen_at integer not null,
    choice        text    not null check (choice in ('post', 'hold', 'skip')),
    reason        text    not null default ''
) strict;

create index entry_by_feed on entry (feed, id);

-- The identity of an entry: a match on any key of its feed means that it was seen before.
create table entry_key (
    feed     text    not null,
    key      text    not null,
    entry_id integer not null references entry (id),
    primary key (feed, key)
) strict, without rowid;
