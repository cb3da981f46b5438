-- What persons did by hand: when, who, from where, on what, and how it was before and after.
-- Append-only; old ones are pruned.
create table act (
    id      integer not null primary key,
    at      integer not null,
    who     text    not null,
    door    text    not null check (door in ('command', 'page', 'api')),
    deed    text    not null,
    post_id integer references post (id) on delete cascade,
    -- what else it was done to: the reach of a stop, or a feed
    scope   text,
    before  text    not null default '',
    after   text    not null default '',
    check (post_id is null or scope is null)
) strict;

create index act_by_post on act (post_id, id) where post_id is not null;
create index act_at on act (at);

create trigger act_stays before update on act begin
    select raise(abort, 'acts are never changed');
end;
