-- The feed that was found where the config names only a site; null where the configured address is asked.
alter table feed add column found_url text;
