-- What becomes of a published post. A deleted one stays posted: it is never sent again.
alter table post add column deleted_at integer check (deleted_at is null or state = 'posted');
alter table post add column deleted_by text;
-- Its entry's headline, where the feed changed it afterwards.
alter table post add column corrected_at integer;
alter table post add column correction text not null default '';
-- The published post that this one repeats on a person's word.
alter table post add column repost_of integer references post (id);

create index post_reposts on post (repost_of) where repost_of is not null;
create index post_reposts_of_lane on post (profile, platform, queued_at) where repost_of is not null;
create index post_corrected on post (corrected_at) where corrected_at is not null;

-- One DELETE /post of one post. The row is on disk before the first byte leaves.
create table deletion (
    id          integer not null primary key,
    post_id     integer not null references post (id),
    asked_at    integer not null,
    who         text    not null,
    ended_at    integer,
    outcome     text    check (outcome in ('deleted', 'refused', 'unsent', 'unknown')),
    message     text    not null default '',
    -- what X bills for it, in millionths of a dollar; assumed while the outcome is unknown
    cost_micros integer not null check (cost_micros >= 0),
    check ((outcome is null) = (ended_at is null))
) strict;

-- At most one request to delete a post is out.
create unique index deletion_open on deletion (post_id) where outcome is null;
create index deletion_by_post on deletion (post_id, id);
