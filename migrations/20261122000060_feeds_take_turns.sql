-- Which feed an attempt was for: its turn among the feeds of a lane, its caps and its budget.
alter table attempt add column feed text not null default '';
update attempt set feed = (select post.feed from post where post.id = attempt.post_id);
-- What X may have billed for a refused request, in millionths of a dollar: budgets count it, the
-- ledger does not.
alter table attempt add column risk_micros integer not null default 0 check (risk_micros >= 0);

create index attempt_by_feed on attempt (profile, platform, feed, id);
drop index attempt_spent;
create index attempt_spent on attempt (profile, started_at, cost_micros, risk_micros);
create index attempt_spent_by_feed on attempt (feed, started_at, cost_micros, risk_micros);
create index attempt_spent_overall on attempt (started_at, cost_micros, risk_micros);

-- The first in line of each feed of a lane are found by walking from feed to feed.
drop index post_in_line;
create index post_turn on post (profile, platform, feed, priority, has_link, id)
    where state = 'queued';
create index post_released on post (profile, platform, id) where state = 'queued' and send_now = 1;
