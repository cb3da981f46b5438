-- The entries of a digest, in their order; the first one is also its post's own entry. Each entry is in
-- one digest of a lane at most.
create table digest_entry (
    post_id  integer not null references post (id) on delete cascade,
    place    integer not null check (place >= 0),
    entry_id integer not null references entry (id),
    profile  text    not null,
    platform text    not null,
    primary key (post_id, place),
    unique (entry_id, profile, platform)
) strict, without rowid;
