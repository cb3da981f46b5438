-- What goes out beside the text, as JSON, so that each request under one key has the same body:
-- images and videos (wished, or settled before the first request), and Ayrshare's own options.
-- Empty for nothing.
alter table post add column media text not null default '';
alter table post add column options text not null default '';
