PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _sqlx_migrations VALUES(20261121000001,'create feed','2026-11-22 05:15:33',1,X'1abb15fd9c27dfcf0540af09ffb6341999b12f86ad980ce992b1044f438badb44d0ac852e51bb0d10e4770a63fdb6928',593597);
INSERT INTO _sqlx_migrations VALUES(20261121000002,'create entry','2026-11-22 05:15:33',1,X'8eb2b72452b7e3a9b0900d4e3fba518585871d63984111b10939c52154e0750a98c9aecde3d0fd993ce974b5a74e42a3',7624143);
INSERT INTO _sqlx_migrations VALUES(20261121000003,'create post','2026-11-22 05:15:33',1,X'bab3aafbbcf1ed33e443a9239d10eac5d6dfa6d881ccc9e58ff3197f14b426b2b18513d7bb71aaa5e916871350e2644d',7709654);
INSERT INTO _sqlx_migrations VALUES(20261121000004,'create attempt','2026-11-22 05:15:33',1,X'5c2fb9695dc27ece2d273a0f7f388881561b2a1d68c050d6ad45800fb418089e62effc2c1a32591facb5efc96136a779',1000453);
INSERT INTO _sqlx_migrations VALUES(20261121000005,'create breaker','2026-11-22 05:15:33',1,X'755cdbdf73421abb32d3a0febeafeacbe670adc9a1e23dcbd32643cf28185d0ec041d16adb5e05e51ff74b5f2217c31e',6658148);
INSERT INTO _sqlx_migrations VALUES(20261121000006,'create hand','2026-11-22 05:15:33',1,X'196c78697b6cbe9e730f2ab3afbbe836973a0a2bb303f51df72bcd8213a0178c0bc29d567c87a57b15f984e23dcc6a54',500930);
INSERT INTO _sqlx_migrations VALUES(20261122000001,'post edited','2026-11-22 05:15:33',1,X'133ad4e413eb8411817d96b6dd8284bc228da035796d9beeef1bed44a7d4e499854d3277ebb49feb8c1c75a0ee5a19ff',3229390);
INSERT INTO _sqlx_migrations VALUES(20261122000010,'feed cadence','2026-11-22 05:15:33',1,X'69314abad509ab8ef724ad7d779798e21ef8df228f2764135ad25777e4b01f9201d83e4c295bcf26fb0678fad1a8652f',34258603);
INSERT INTO _sqlx_migrations VALUES(20261122000011,'create host','2026-11-22 05:15:33',1,X'f58f37ddeb150efbb0a7d009ddb18fb8711fa96a2a38be2598be1112b80c59ad4df408bd54310fd50041d8c1424bd667',484149);
INSERT INTO _sqlx_migrations VALUES(20261122000020,'feed found url','2026-11-22 05:15:33',1,X'31f56d18c9b7c4e4b82914c78439175668420f85837835cb6d7a1dd512c4039191457dfbb63ac2789dfa2971ffba8146',1050710);
INSERT INTO _sqlx_migrations VALUES(20261122000030,'websub','2026-11-22 05:15:33',1,X'851eca0c5674689e172d3c4d3e5d974b5e37c123b3cf8567693f431bff37b1bb963157cf3f044ed29c91e08c947f2ec0',613750);
INSERT INTO _sqlx_migrations VALUES(20261122000040,'entry changes','2026-11-22 05:15:33',1,X'8b623761aed5627c2f1d8e7a7ffc07820076323bf8f8e44b7a6239517dc40d901a4b56d6c35f2addabbb9f039819593d',3293039);
INSERT INTO _sqlx_migrations VALUES(20261122000041,'post words','2026-11-22 05:15:33',1,X'502229d35b65b1d91002ed9f134b013a47979b50f0e64530ba19d865ddb36a27f4e895f988dddecd8e14768ebf8db4e2',607324);
INSERT INTO _sqlx_migrations VALUES(20261122000050,'post media','2026-11-22 05:15:33',1,X'9c02192683f59b8e6471d2794d3afe0123d789ad3cc71408dd20ea5db8228b9601a39c7552cd7f6433798451fa986670',2085804);
INSERT INTO _sqlx_migrations VALUES(20261122000060,'feeds take turns','2026-11-22 05:15:33',1,X'cc3fb2e57ab3d381b7579553eb6bab23d31d6a861a24aa9549f14c7c5f0c7cb88bea999fb97ce37ab949a66f23a83b67',2763165);
INSERT INTO _sqlx_migrations VALUES(20261122000070,'digest entry','2026-11-22 05:15:33',1,X'd55a383705a7f63b54058f83f9ee04157a888342363d756a23f4aaaddbe6333c678bc7da9ea847c14bb5745beaccc36c',482041);
CREATE TABLE feed (
    name            text    not null primary key,
    -- the address that the validators and the first run belong to; another one in the config drops both
    url             text    not null,
    title           text    not null default '',
    -- validators, byte for byte as the server sent them, and the final address that they belong to
    etag            blob,
    last_modified   blob,
    validators_url  text,
    body_hash       blob,
    -- which reader served the last good fetch, and what it repaired
    reader          text    not null default '',
    repairs         text    not null default '',
    first_read_at   integer,
    last_polled_at  integer,
    last_good_at    integer,
    next_poll_at    integer not null,
    failures        integer not null default 0 check (failures >= 0),
    last_error      text    not null default '',
    -- set by a 410: the feed is retired
    gone_at         integer
, next_poll_why text not null default '', fresh_until integer, wish_minutes integer check (wish_minutes >= 0), skip_hours integer not null default 0 check (skip_hours between 0 and 16777215), skip_days integer not null default 0 check (skip_days between 0 and 127), settings text not null default '', whole_at integer, whole_next integer not null default 0 check (whole_next in (0, 1)), moved_to text, moved_since integer, moved_seen integer not null default 0 check (moved_seen >= 0), address text, found_url text) strict;
INSERT INTO feed VALUES('news','http://127.0.0.1:18973/feed.xml','Harbour news',NULL,X'53756e2c203232204e6f7620323032362030353a31353a313420474d54','http://127.0.0.1:18973/feed.xml',X'b3d52c8abbac140b0f75c0b69d7c246d4213fbc9acd53f5354e7d00da3f735e9','feed-rs','',1795324533945,1795324533937,1795324533937,1795328261377,0,'',NULL,'it is asked every 1 h',NULL,NULL,0,0,'ca8a4111efcc8270',1795324533937,0,NULL,NULL,0,NULL,NULL);
CREATE TABLE entry (
    id            integer not null primary key,
    feed          text    not null,
    title         text    not null,
    link          text,
    -- the item as published, as JSON: a post can be rendered anew after the entry left its feed
    item          text    not null,
    first_seen_at integer not null,
    choice        text    not null check (choice in ('post', 'hold', 'skip')),
    reason        text    not null default ''
, said text, changed_at integer, changes integer not null default 0 check (changes >= 0), link_key text) strict;
INSERT INTO entry VALUES(1,'news','The third story','https://example.com/3','{"guid":"three","link":"https://example.com/3","title":"The third story","summary":"","content":"","authors":[],"categories":[],"published":null,"updated":null,"language":null,"media":[]}',1795324533945,'post','','5740795bd935239eb61c636615db80c8',NULL,0,'b9c1b010dfce724aa320f45cfd536259');
INSERT INTO entry VALUES(2,'news','The second story','https://example.com/2','{"guid":"two","link":"https://example.com/2","title":"The second story","summary":"","content":"","authors":[],"categories":[],"published":null,"updated":null,"language":null,"media":[]}',1795324533945,'post','','61b8350572cf7eaae14b617794291d7d',NULL,0,'fec995b78bfe1feb9ec55a1b72c5649b');
INSERT INTO entry VALUES(3,'news','The first story','https://example.com/1','{"guid":"one","link":"https://example.com/1","title":"The first story","summary":"","content":"","authors":[],"categories":[],"published":null,"updated":null,"language":null,"media":[]}',1795324533945,'post','','124d87923ae81c6663af6969ba16f8f2',NULL,0,'988628a63aecf11ad5dceeb5817d2a96');
CREATE TABLE entry_key (
    feed     text    not null,
    key      text    not null,
    entry_id integer not null references entry (id),
    primary key (feed, key)
) strict, without rowid;
INSERT INTO entry_key VALUES('news','guid:4d182cbde4470b52e88ba2a2',2);
INSERT INTO entry_key VALUES('news','guid:615f69ed4e249a34955fc08b',3);
INSERT INTO entry_key VALUES('news','guid:a08ea2fbd99745dceb5addf0',1);
INSERT INTO entry_key VALUES('news','link:7a99e343e62eb42f150569c9',3);
INSERT INTO entry_key VALUES('news','link:83808dc7a7774340f7545f3d',2);
INSERT INTO entry_key VALUES('news','link:edbe9e033f84276cb6806db7',1);
INSERT INTO entry_key VALUES('news','pair:004a7f7ffaa86cd5b6c190f2',1);
INSERT INTO entry_key VALUES('news','pair:2658984b730eeab3dab94f51',2);
INSERT INTO entry_key VALUES('news','pair:363b45a1ffce22cc33736b86',3);
INSERT INTO entry_key VALUES('news','self:802cdd5e0228eadeefd2ac66',3);
INSERT INTO entry_key VALUES('news','self:991f9f8c4a9e02311b35c869',2);
INSERT INTO entry_key VALUES('news','self:f47292c370a86eef2aaed91d',1);
CREATE TABLE post (
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
    changed_at       integer not null, edited integer not null default 0 check (edited in (0, 1)), media text not null default '', options text not null default '',
    -- each selected entry once on each of its lanes
    unique (entry_id, profile, platform),
    check ((state = 'posted') = (posted_at is not null))
) strict;
INSERT INTO post VALUES(1,'cf6fbce5-356f-8936-8184-ac13d57b3518',1,'news','main','twitter','unconfirmed',1,replace('The third story\nhttps://example.com/3','\n',char(10)),39,1,'',1,1,0,0,1,1795324533945,1795324533945,NULL,0,'no answer from http://127.0.0.1:18974/api/post: connection closed before message completed',0,NULL,1795324549137,NULL,NULL,NULL,NULL,1795324534137,0,'','');
INSERT INTO post VALUES(2,'dfbc52d3-7b15-898f-a207-5d8749b06590',1,'news','main','linkedin','failed',1,replace('The third story\nhttps://example.com/3','\n',char(10)),37,1,'',1,0,0,0,1,1795324533945,1795324533945,NULL,0,'Please shorten to 280 characters. Overage: 506 characters.',0,NULL,NULL,NULL,NULL,NULL,NULL,1795324534145,0,'','');
INSERT INTO post VALUES(3,'c4d416cb-4c11-8607-85ac-18f7641788e4',2,'news','main','twitter','posted',1,replace('The second story\nhttps://example.com/2','\n',char(10)),40,1,'',1,0,0,0,1,1795324533945,1795324533945,NULL,0,'',0,NULL,NULL,'sbx06b027a7600000003','2124371185729798147','https://twitter.com/sandbox/status/2124371185729798147',1795324534254,1795324534254,0,'','');
INSERT INTO post VALUES(4,'72cddb9f-0d21-8899-90bc-2643d3473231',2,'news','main','linkedin','posted',1,replace('The second story\nhttps://example.com/2','\n',char(10)),38,1,'',1,0,0,0,1,1795324533945,1795324533945,NULL,0,'',0,NULL,NULL,'sbx06b027a7600000004','2124371185851432964','https://linkedin.com/sandbox/status/2124371185851432964',1795324534282,1795324534282,0,'','');
INSERT INTO post VALUES(5,'d8c22809-2120-894f-a609-bc273b33fa21',3,'news','main','twitter','queued',1,replace('The first story\nhttps://example.com/1','\n',char(10)),39,1,'',2,0,0,0,0,1795324533945,1795324533945,NULL,0,'CreditsDepleted: Your enrolled account does not have any credits to fulfill this request.',0,NULL,NULL,NULL,NULL,NULL,NULL,1795324534356,0,'','');
INSERT INTO post VALUES(6,'d1c7c67e-8357-890d-aa78-d28ca7dbaac5',3,'news','main','linkedin','posted',1,replace('The first story\nhttps://example.com/1','\n',char(10)),37,1,'',1,0,0,0,1,1795324533945,1795324533945,NULL,0,'',0,NULL,NULL,'sbx06b027a7600000005','2124371186103091205','https://linkedin.com/sandbox/status/2124371186103091205',1795324534334,1795324534334,0,'','');
CREATE TABLE transition (
    id         integer not null primary key,
    post_id    integer not null references post (id),
    at         integer not null,
    from_state text    not null,
    to_state   text    not null,
    who        text    not null check (who in ('daemon', 'person')),
    why        text    not null default ''
) strict;
INSERT INTO transition VALUES(1,1,1795324534081,'queued','sending','daemon','');
INSERT INTO transition VALUES(2,2,1795324534082,'queued','sending','daemon','');
INSERT INTO transition VALUES(3,1,1795324534137,'sending','unconfirmed','daemon','no answer from http://127.0.0.1:18974/api/post: connection closed before message completed');
INSERT INTO transition VALUES(4,2,1795324534145,'sending','failed','daemon','Please shorten to 280 characters. Overage: 506 characters.');
INSERT INTO transition VALUES(5,3,1795324534225,'queued','sending','daemon','');
INSERT INTO transition VALUES(6,4,1795324534226,'queued','sending','daemon','');
INSERT INTO transition VALUES(7,3,1795324534254,'sending','posted','daemon','');
INSERT INTO transition VALUES(8,4,1795324534282,'sending','posted','daemon','');
INSERT INTO transition VALUES(9,6,1795324534303,'queued','sending','daemon','');
INSERT INTO transition VALUES(10,5,1795324534304,'queued','sending','daemon','');
INSERT INTO transition VALUES(11,6,1795324534334,'sending','posted','daemon','');
INSERT INTO transition VALUES(12,5,1795324534356,'sending','queued','daemon','CreditsDepleted: Your enrolled account does not have any credits to fulfill this request.');
CREATE TABLE attempt (
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
    cost_micros integer not null check (cost_micros >= 0), feed text not null default '', risk_micros integer not null default 0 check (risk_micros >= 0),
    check ((outcome is null) = (ended_at is null))
) strict;
INSERT INTO attempt VALUES(1,1,'main','twitter',1,1795324534081,1795324534137,'unknown',NULL,NULL,'no answer from http://127.0.0.1:18974/api/post: connection closed before message completed',200000,'news',0);
INSERT INTO attempt VALUES(2,2,'main','linkedin',1,1795324534082,1795324534145,'dead',400,132,'Please shorten to 280 characters. Overage: 506 characters.',0,'news',0);
INSERT INTO attempt VALUES(3,3,'main','twitter',1,1795324534225,1795324534254,'posted',NULL,NULL,'',200000,'news',0);
INSERT INTO attempt VALUES(4,4,'main','linkedin',1,1795324534226,1795324534282,'posted',NULL,NULL,'',0,'news',0);
INSERT INTO attempt VALUES(5,6,'main','linkedin',1,1795324534303,1795324534334,'posted',NULL,NULL,'',0,'news',0);
INSERT INTO attempt VALUES(6,5,'main','twitter',1,1795324534304,1795324534356,'stop',402,402,'CreditsDepleted: Your enrolled account does not have any credits to fulfill this request.',0,'news',0);
CREATE TABLE breaker (
    scope     text    not null,
    cause     text    not null,
    opened_at integer not null,
    closed_at integer,
    -- how often it failed a probe or came back
    strikes   integer not null default 0 check (strikes >= 0),
    -- when it is probed next, or ends by itself; null: a person ends it
    probe_at  integer,
    detail    text    not null default '',
    primary key (scope, cause)
) strict, without rowid;
INSERT INTO breaker VALUES('lane:main/twitter','no_credit',1795324534356,NULL,0,1795325434356,'CreditsDepleted: Your enrolled account does not have any credits to fulfill this request.');
CREATE TABLE hand (
    id   integer not null primary key check (id = 1),
    acts integer not null
) strict;
INSERT INTO hand VALUES(1,0);
CREATE TABLE host (
    name       text    not null primary key,
    wait_until integer not null,
    why        text    not null
) strict, without rowid;
CREATE TABLE websub (
    feed         text    not null primary key,
    -- the address that the hub knows the feed under
    topic        text    not null,
    hub          text    not null,
    -- the last part of our callback's path, which nobody can guess
    token        text    not null unique,
    -- 'new': nobody was asked; 'asked': the hub may verify that we asked; 'active': it did; 'denied': it refused
    state        text    not null check (state in ('new', 'asked', 'active', 'denied')),
    -- when the hub was asked last, which it may verify for a while
    asked_at     integer,
    lease_until  integer,
    -- the last push whose signature was right; null as long as there is no reason to rely on pushes
    pushed_at    integer,
    -- when the hub is asked next
    next_at      integer not null,
    failures     integer not null default 0 check (failures >= 0),
    last_error   text    not null default '',
    check (state <> 'active' or lease_until is not null)
) strict;
CREATE TABLE websub_key (
    only integer not null primary key check (only = 1),
    key  blob    not null check (length(key) = 32)
) strict;
CREATE TABLE post_words (
    post_id integer not null primary key references post (id) on delete cascade,
    key     text    not null,
    at      integer not null
) strict;
INSERT INTO post_words VALUES(1,'1fba884b456d2994f3f9ea80582800d0',1795324533945);
INSERT INTO post_words VALUES(3,'e252349983d13e91cf477dea55fc5350',1795324533945);
INSERT INTO post_words VALUES(5,'16a4c37fcfbc1973fc878cdc026c1226',1795324533945);
CREATE TABLE digest_entry (
    post_id  integer not null references post (id) on delete cascade,
    place    integer not null check (place >= 0),
    entry_id integer not null references entry (id),
    profile  text    not null,
    platform text    not null,
    primary key (post_id, place),
    unique (entry_id, profile, platform)
) strict, without rowid;
CREATE INDEX entry_by_feed on entry (feed, id);
CREATE UNIQUE INDEX post_one_sending on post (profile, platform) where state = 'sending';
CREATE INDEX post_not_before on post (profile, platform, not_before) where state = 'queued';
CREATE INDEX post_expiry on post (expires_at) where expires_at is not null and state in ('held', 'queued');
CREATE INDEX post_lookup on post (next_lookup_at) where next_lookup_at is not null;
CREATE INDEX post_by_state on post (state, id);
CREATE INDEX transition_by_post on transition (post_id, id);
CREATE UNIQUE INDEX attempt_open on attempt (post_id) where outcome is null;
CREATE INDEX attempt_by_post on attempt (post_id, id);
CREATE INDEX attempt_last on attempt (profile, platform, id)
    where outcome is null or outcome in ('posted', 'unknown');
CREATE INDEX attempt_ended on attempt (profile, platform, id) where outcome is not null;
CREATE INDEX attempt_by_lane on attempt (profile, platform, started_at);
CREATE INDEX entry_by_link on entry (link_key, first_seen_at) where link_key is not null;
CREATE INDEX post_words_key on post_words (key, at);
CREATE INDEX post_of_lane on post (profile, platform, queued_at);
CREATE INDEX attempt_by_feed on attempt (profile, platform, feed, id);
CREATE INDEX attempt_spent on attempt (profile, started_at, cost_micros, risk_micros);
CREATE INDEX attempt_spent_by_feed on attempt (feed, started_at, cost_micros, risk_micros);
CREATE INDEX attempt_spent_overall on attempt (started_at, cost_micros, risk_micros);
CREATE INDEX post_turn on post (profile, platform, feed, priority, has_link, id)
    where state = 'queued';
CREATE INDEX post_released on post (profile, platform, id) where state = 'queued' and send_now = 1;
COMMIT;
