-- The backup by the calendar: the last try, and how it ended.
create table backup (
    id       integer not null primary key check (id = 1),
    tried_at integer not null,
    done_at  integer,
    path     text    not null default '',
    failure  text    not null default ''
) strict;

-- This database was put back from a backup: what left between the two times is forgotten.
create table restore (
    id          integer not null primary key check (id = 1),
    backup_at   integer not null,
    restored_at integer not null
) strict;

-- Posts that may have been sent in that time: looked up before they are sent.
create table forgotten (
    post_id integer not null primary key references post (id)
) strict;

-- Written now and then to see that the database takes a write.
create table beat (
    id integer not null primary key check (id = 1),
    at integer not null
) strict;

insert into beat (id, at) values (1, 0);
