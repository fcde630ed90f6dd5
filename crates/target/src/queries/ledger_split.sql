-- One row a split whose rows are in the target; committed together with them.
create table mssql2pg.split (
    run_id text not null references mssql2pg.run on delete cascade,
    table_name text not null,
    split bigint not null,
    rows bigint not null,
    rejected bigint not null,
    bytes bigint not null,
    digest text not null,
    losses json not null,
    seconds double precision not null,
    finished_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (run_id, table_name, split)
);
