-- One row a step after the load; a done step is committed together with what it did.
create table mssql2pg.step (
    run_id text not null references mssql2pg.run on delete cascade,
    step text not null,
    outcome text not null check (outcome in ('done', 'skipped', 'failed', 'set-aside', 'restored')),
    message text,
    seconds double precision not null,
    number bigint generated always as identity,
    finished_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (run_id, step)
);
