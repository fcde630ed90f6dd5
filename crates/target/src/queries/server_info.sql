-- What the server is, and what we may do there.
select
    pg_catalog.current_setting('server_version_num')::int4 as version_num,
    pg_catalog.current_setting('server_version') as version,
    exists (select from pg_catalog.pg_collation as c where c.collprovider = 'i') as icu,
    pg_catalog.current_setting('server_encoding') as encoding,
    pg_catalog.current_database()::text as database,
    current_user::text as user_name,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') as can_create_schema;
