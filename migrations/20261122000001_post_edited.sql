-- Whether a person wrote the text: then nothing that the feed or the config says later changes it.
alter table post add column edited integer not null default 0 check (edited in (0, 1));
