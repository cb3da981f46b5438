-- What is wrong, or was, and has to be told once. Times are UTC milliseconds.
create table alert (
    id         integer not null primary key,
    kind       text    not null,
    -- what it is about: at most one alert of a key is open
    key        text    not null,
    severity   text    not null check (severity in ('info', 'warning', 'critical')),
    -- the profiles that it concerns, as JSON; [] for all
    profiles   text    not null,
    title      text    not null,
    body       text    not null,
    remedy     text    not null,
    opened_at  integer not null,
    -- not before this time, if it is still open then
    tell_at    integer not null,
    told_at    integer,
    -- how long it has to be away before it counts as over
    linger     integer not null check (linger >= 0),
    away_since integer,
    closed_at  integer
) strict;

create unique index alert_open on alert (key) where closed_at is null;
create index alert_told on alert (key, id);
create index alert_closed on alert (closed_at) where closed_at is not null;

-- One message to one receiver of the config. Its identity is the same at each try.
create table alert_message (
    id         integer not null primary key,
    uuid       text    not null unique check (length(uuid) = 36),
    receiver   text    not null,
    made_at    integer not null,
    tries      integer not null default 0 check (tries >= 0),
    next_at    integer not null,
    ended_at   integer,
    outcome    text    check (outcome in ('sent', 'given_up')),
    last_error text    not null default '',
    check ((outcome is null) = (ended_at is null))
) strict;

-- A receiver gets one message after the other.
create unique index alert_message_open on alert_message (receiver) where ended_at is null;
create index alert_message_made on alert_message (receiver, made_at);

-- That a receiver is to be told of an alert, or of its end; in a message as soon as one may be made.
create table alert_note (
    id       integer not null primary key,
    alert_id integer not null references alert (id) on delete cascade,
    receiver text    not null,
    is_end   integer not null check (is_end in (0, 1)),
    message  integer references alert_message (id) on delete cascade,
    unique (alert_id, receiver, is_end)
) strict;

create index alert_note_waiting on alert_note (receiver, id) where message is null;
create index alert_note_of_message on alert_note (message) where message is not null;

-- Since when the next weekly report of a receiver counts.
create table alert_weekly (
    receiver text    not null primary key,
    since    integer not null
) strict, without rowid;

-- Published posts whose entry changed afterwards are found by it.
create index entry_changed on entry (changed_at) where changed_at is not null;
