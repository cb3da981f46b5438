-- What tells that an item changed since it was first seen, and how often its headline did.
alter table entry add column said text;
alter table entry add column changed_at integer;
alter table entry add column changes integer not null default 0 check (changes >= 0);
-- Its page without what changes about a link, to find other feeds' entries of the same page.
alter table entry add column link_key text;

create index entry_by_link on entry (link_key, first_seen_at) where link_key is not null;
