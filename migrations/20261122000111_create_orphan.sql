-- Posts whose feed or lane left the config while they were queued. A queued one in here was let go
-- all the same, by a person.
create table orphan (
    post_id integer not null primary key references post (id)
) strict;
