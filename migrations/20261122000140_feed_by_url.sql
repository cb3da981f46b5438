-- A feed that is asked for the first time is looked for by its address: it may have another name by now.
create index feed_by_url on feed (url);
