-- The sequence behind column $3 of table $2 in schema $1, quoted as needed; null when it has none.
select pg_catalog.pg_get_serial_sequence(pg_catalog.format('%I.%I', $1::text, $2::text), $3::text) as sequence_name;
