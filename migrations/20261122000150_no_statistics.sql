-- Statements are planned by SQLite's own rules, which tests hold to (no table that grows is read whole). By
-- statistics of a day on which there were three feeds it would read ten thousand of them for one.
drop table if exists sqlite_stat1;
drop table if exists sqlite_stat4;
