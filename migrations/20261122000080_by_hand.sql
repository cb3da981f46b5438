-- What a person wishes of a single post, beside its text. Where it stands among the posts of its
-- lane: below 0 before all others, above 0 behind them, 0 in its natural turn.
alter table post add column place integer not null default 0;
-- Whether a person let it go: a pause of all but released posts doesn't hold it.
alter table post add column released integer not null default 0 check (released in (0, 1));
-- Whether a person said when it may go.
alter table post add column timed integer not null default 0 check (timed in (0, 1));
update post set released = 1
where state in ('held', 'queued') and (send_now = 1 or exists (
    select 1 from transition
    where post_id = post.id and who = 'person' and to_state = 'queued'));

create index post_placed on post (profile, platform, place, id)
    where place <> 0 and state in ('held', 'queued');
create index post_let_go on post (profile, platform, id) where state = 'queued' and released = 1;

-- Whether a person's pause lets released posts pass.
alter table breaker add column except_released integer not null default 0
    check (except_released in (0, 1));
