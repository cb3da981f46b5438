-- How often a person changed something by hand: a running daemon looks here to see that it has to
-- look again.
create table hand (
    id   integer not null primary key check (id = 1),
    acts integer not null
) strict;

insert into hand (id, acts) values (1, 0);
