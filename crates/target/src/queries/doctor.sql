-- What the server allows us, for the doctor.
select
    (select s.version from pg_catalog.pg_stat_ssl as s where s.pid = pg_catalog.pg_backend_pid() and s.ssl)
        as tls_version,
    coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('public')::oid, 'CREATE'), false)
        as may_create_in_public,
    pg_catalog.pg_is_in_recovery() as is_standby,
    pg_catalog.current_setting('default_transaction_read_only') = 'on' as is_read_only,
    pg_catalog.current_setting('max_connections')::int4
        - pg_catalog.current_setting('superuser_reserved_connections')::int4 as connections,
    (select count(*)::int4 from pg_catalog.pg_stat_activity as a where a.backend_type = 'client backend')
        as used_connections,
    (select r.rolconnlimit from pg_catalog.pg_roles as r where r.rolname = current_user) as user_limit,
    (select d.datconnlimit from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database())
        as database_limit,
    pg_catalog.pg_database_size(pg_catalog.current_database()) as database_bytes;
