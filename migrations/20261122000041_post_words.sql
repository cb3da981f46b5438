-- The words of a post on X without links, as a hash: the same words on another account are found by it.
create table post_words (
    post_id integer not null primary key references post (id) on delete cascade,
    key     text    not null,
    at      integer not null
) strict;

create index post_words_key on post_words (key, at);
-- What a lane had lately, for nearly equal titles.
create index post_of_lane on post (profile, platform, queued_at);
