-- One row a run: what it is made of. settings is json and not jsonb: it is shown as it was written.
create table mssql2pg.run (
    run_id text primary key,
    fingerprint text not null,
    tool_version text not null,
    source text not null,
    settings json not null,
    begun_at timestamptz not null default pg_catalog.now()
);
comment on table mssql2pg.run is 'migrations by mssql2pg into this database; may be dropped with its schema when they are done';
