-- Requests to delete cost money too: whose they are, and what X may have billed for those that it refused.
alter table deletion add column profile text not null default '';
alter table deletion add column feed text not null default '';
alter table deletion add column risk_micros integer not null default 0 check (risk_micros >= 0);

update deletion
set profile = (select profile from post where post.id = deletion.post_id),
    feed = (select feed from post where post.id = deletion.post_id);

create index deletion_spent on deletion (asked_at, profile, feed, cost_micros, risk_micros);
