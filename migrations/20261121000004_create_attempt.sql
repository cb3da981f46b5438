-- One POST /post of one post. The row is on disk before the first byte leaves.
create table attempt (
    id          integer not null primary key,
    post_id     integer not null references post (id),
    profile     text    not null,
    platform    text    not null,
    generation  integer not null check (generation >= 1),
    started_at  integer not null,
    ended_at    integer,
    outcome     text    check (outcome in ('posted', 'retry', 'unsent', 'dead', 'stop', 'unknown')),
    status      integer,
    code        integer,
    message     text    not null default '',
    -- what it cost at X in millionths of a dollar; assumed while the outcome is unknown
    cost_micros integer not null check (cost_micros >= 0),
    check ((outcome is null) = (ended_at is null))
) strict;

-- At most one request of a post is out.
create unique index attempt_open on attempt (post_id) where outcome is null;
create index attempt_by_post on attempt (post_id, id);
create index attempt_last on attempt (profile, platform, id)
    where outcome is null or outcome in ('posted', 'unknown');
create index attempt_ended on attempt (profile, platform, id) where outcome is not null;
create index attempt_spent on attempt (profile, started_at, cost_micros);
create index attempt_by_lane on attempt (profile, platform, started_at);
