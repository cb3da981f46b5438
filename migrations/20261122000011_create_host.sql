-- Hosts that asked to be left alone: none of their feeds is asked before. Times are UTC milliseconds.
create table host (
    name       text    not null primary key,
    wait_until integer not null,
    why        text    not null
) strict, without rowid;
