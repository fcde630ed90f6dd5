-- One row a table: the run that made, emptied or replaced it last. Only that run may load it.
create table mssql2pg.owner (
    table_name text primary key,
    run_id text not null references mssql2pg.run on delete cascade,
    since timestamptz not null default pg_catalog.clock_timestamp()
);
