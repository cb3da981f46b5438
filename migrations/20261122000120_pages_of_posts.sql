-- What was settled, newest first, page by page; and how many posts are in each state, and since when.
create index post_settled on post (changed_at desc, id desc)
    where state in ('posted', 'failed', 'skipped', 'expired');
create index post_census on post (profile, platform, state, queued_at);
