-- One entry rendered for one lane. It holds facts and wishes, never a computed due time.
create table post (
    id               integer not null primary key,
    uuid             text    not null unique check (length(uuid) = 36),
    entry_id         integer not null references entry (id),
    feed             text    not null,
    profile          text    not null,
    platform         text    not null,
    state            text    not null check (state in
        ('held', 'queued', 'sending', 'unconfirmed', 'posted', 'failed', 'skipped', 'expired')),
    -- 0 breaking, 1 normal, 2 low
    priority         integer not null default 1 check (priority between 0 and 2),
    text             text    not null,
    weighted_length  integer not null check (weighted_length >= 0),
    has_link         integer not null check (has_link in (0, 1)),
    -- what was cut, defused or left out while composing, a line each
    notes            text    not null default '',
    -- the number inside the idempotency key
    generation       integer not null default 1 check (generation >= 1),
    doubtful         integer not null default 0 check (doubtful in (0, 1)),
    accepted_before  integer not null default 0 check (accepted_before in (0, 1)),
    refusals         integer not null default 0 check (refusals >= 0),
    sends            integer not null default 0 check (sends >= 0),
    queued_at        integer not null,
    not_before       integer not null,
    expires_at       integer,
    send_now         integer not null default 0 check (send_now in (0, 1)),
    reason           text    not null default '',
    lookups          integer not null default 0 check (lookups >= 0),
    first_absent_at  integer,
    next_lookup_at   integer check (next_lookup_at is null or state = 'unconfirmed'),
    ayrshare_id      text,
    network_id       text,
    url              text,
    posted_at        integer,
    changed_at       integer not null,
    -- each selected entry once on each of its lanes
    unique (entry_id, profile, platform),
    check ((state = 'posted') = (posted_at is not null))
) strict;

-- A lane sends one post at a time: a second one can't even be written.
create unique index post_one_sending on post (profile, platform) where state = 'sending';
create index post_in_line on post (profile, platform, send_now desc, priority, id) where state = 'queued';
create index post_not_before on post (profile, platform, not_before) where state = 'queued';
create index post_expiry on post (expires_at) where expires_at is not null and state in ('held', 'queued');
create index post_lookup on post (next_lookup_at) where next_lookup_at is not null;
create index post_by_state on post (state, id);

-- Each change of a post's state, append-only.
create table transition (
    id         integer not null primary key,
    post_id    integer not null references post (id),
    at         integer not null,
    from_state text    not null,
    to_state   text    not null,
    who        text    not null check (who in ('daemon', 'person')),
    why        text    not null default ''
) strict;

create index transition_by_post on transition (post_id, id);
