-- What a session is set to, whatever the defaults of server, database and user are. Run once on connecting.
set client_encoding = 'UTF8';
set client_min_messages = 'warning';
set standard_conforming_strings = on;
-- Texts of values: the same on every machine, and exact.
set timezone = 'UTC';
set datestyle = 'ISO, YMD';
set intervalstyle = 'postgres';
set extra_float_digits = 3;
set bytea_output = 'hex';
-- An xml value may be a fragment.
set xmloption = 'content';
-- Building an index takes as long as it takes.
set statement_timeout = 0;
set lock_timeout = 0;
set idle_in_transaction_session_timeout = 0;
-- These two came with PostgreSQL 14 and 17.
select pg_catalog.set_config(s.name, '0', false)
from pg_catalog.pg_settings as s
where s.name in ('idle_session_timeout', 'transaction_timeout');
-- One query over a hundred columns takes longer to compile than to run.
set jit = off;
-- A policy must not hide rows from a count: rather an error.
set row_security = off;
-- Every name is written with its schema; nothing in a user's schema is taken for something else.
set search_path = pg_catalog;
