-- What decides when and how a feed is asked next. All times are UTC milliseconds.
-- which rule set next_poll_at, for a person
alter table feed add column next_poll_why text not null default '';
-- until when the server called its last answer fresh
alter table feed add column fresh_until integer;
-- how often the feed itself wants to be asked, as it said when it was read last
alter table feed add column wish_minutes integer check (wish_minutes >= 0);
alter table feed add column skip_hours integer not null default 0 check (skip_hours between 0 and 16777215);
alter table feed add column skip_days integer not null default 0 check (skip_days between 0 and 127);
-- which settings of the config the last good answer was asked with
alter table feed add column settings text not null default '';
-- when a whole body came last, and whether the next one must come whole whatever the validators say
alter table feed add column whole_at integer;
alter table feed add column whole_next integer not null default 0 check (whole_next in (0, 1));
-- where permanent redirects lead, since when, and how often in a row; and the address that is asked
-- instead of the configured one once that is proven
alter table feed add column moved_to text;
alter table feed add column moved_since integer;
alter table feed add column moved_seen integer not null default 0 check (moved_seen >= 0);
alter table feed add column address text;
