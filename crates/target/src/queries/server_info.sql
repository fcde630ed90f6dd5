-- What the server is, and what we may do there.
select
    pg_catalog.current_setting('server_version_num')::int4 as version_num,
    pg_catalog.current_setting('server_version') as version,
    -- The root collation that initdb takes over from the ICU library. The provider alone does not tell: from
    -- PostgreSQL 16 on the collation `unicode` is listed in every build, and a build without ICU refuses it.
    exists (
        select
        from pg_catalog.pg_collation as c
        where c.collname = 'und-x-icu'
            and c.collnamespace = 'pg_catalog'::pg_catalog.regnamespace
            and c.collprovider = 'i'
    ) as icu,
    pg_catalog.current_setting('server_encoding') as encoding,
    pg_catalog.current_database()::text as database,
    current_user::text as user_name,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') as can_create_schema;
