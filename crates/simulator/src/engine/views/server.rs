//! The server: databases, settings, sessions, collations.

use super::cell::{Cell, Moment, variant};
use super::definition::View;
use super::fill::{Fill, row, text};

const DATABASE: &str = "name:sysname database_id:int source_database_id:int? owner_sid:varbinary(85)? \
    create_date:datetime compatibility_level:tinyint collation_name:sysname? user_access:tinyint? \
    user_access_desc:nvarchar(60)? is_read_only:bit? is_auto_close_on:bit is_auto_shrink_on:bit? state:tinyint? \
    state_desc:nvarchar(60)? is_in_standby:bit? is_cleanly_shutdown:bit? is_supplemental_logging_enabled:bit? \
    snapshot_isolation_state:tinyint? snapshot_isolation_state_desc:nvarchar(60)? \
    is_read_committed_snapshot_on:bit? recovery_model:tinyint? recovery_model_desc:nvarchar(60)? \
    page_verify_option:tinyint? page_verify_option_desc:nvarchar(60)? is_auto_create_stats_on:bit? \
    2014/is_auto_create_stats_incremental_on:bit? is_auto_update_stats_on:bit? is_auto_update_stats_async_on:bit? \
    is_ansi_null_default_on:bit? is_ansi_nulls_on:bit? is_ansi_padding_on:bit? is_ansi_warnings_on:bit? \
    is_arithabort_on:bit? is_concat_null_yields_null_on:bit? is_numeric_roundabort_on:bit? \
    is_quoted_identifier_on:bit? is_recursive_triggers_on:bit? is_cursor_close_on_commit_on:bit? \
    is_local_cursor_default:bit? is_fulltext_enabled:bit? is_trustworthy_on:bit? is_db_chaining_on:bit? \
    is_parameterization_forced:bit? is_master_key_encrypted_by_server:bit 2016/is_query_store_on:bit? \
    is_published:bit is_subscribed:bit is_merge_published:bit is_distributor:bit is_sync_with_backup:bit \
    service_broker_guid:uniqueidentifier is_broker_enabled:bit log_reuse_wait:tinyint? \
    log_reuse_wait_desc:nvarchar(60)? is_date_correlation_on:bit is_cdc_enabled:bit is_encrypted:bit? \
    is_honor_broker_priority_on:bit? replica_id:uniqueidentifier? group_database_id:uniqueidentifier? \
    resource_pool_id:int? default_language_lcid:smallint? default_language_name:nvarchar(128)? \
    default_fulltext_language_lcid:int? default_fulltext_language_name:nvarchar(128)? is_nested_triggers_on:bit? \
    is_transform_noise_words_on:bit? two_digit_year_cutoff:smallint? containment:tinyint? \
    containment_desc:nvarchar(60)? target_recovery_time_in_seconds:int? 2014/delayed_durability:int? \
    2014/delayed_durability_desc:nvarchar(60)? 2014/is_memory_optimized_elevate_to_snapshot_on:bit? \
    2016/is_federation_member:bit? 2016/is_remote_data_archive_enabled:bit? 2016/is_mixed_page_allocation_on:bit? \
    2017/is_temporal_history_retention_enabled:bit? 2019/catalog_collation_type:int? \
    2019/catalog_collation_type_desc:nvarchar(60)? 2019/physical_database_name:nvarchar(128)? \
    2019/is_result_set_caching_on:bit? 2019/is_accelerated_database_recovery_on:bit? \
    2019/is_tempdb_spill_to_remote_store:bit? 2019/is_stale_page_detection_on:bit? \
    2019/is_memory_optimized_enabled:bit? 2022/is_data_retention_enabled:bit? 2022/is_ledger_on:bit? \
    2022/is_change_feed_enabled:bit?";

const SESSION: &str = "session_id:smallint login_time:datetime host_name:nvarchar(128)? program_name:nvarchar(128)? \
    host_process_id:int? client_version:int? client_interface_name:nvarchar(32)? security_id:varbinary(85) \
    login_name:nvarchar(128) nt_domain:nvarchar(128)? nt_user_name:nvarchar(128)? status:nvarchar(30) \
    context_info:varbinary(128)? cpu_time:int memory_usage:int total_scheduled_time:int total_elapsed_time:int \
    endpoint_id:int last_request_start_time:datetime last_request_end_time:datetime? reads:bigint writes:bigint \
    logical_reads:bigint is_user_process:bit text_size:int language:nvarchar(128)? date_format:nvarchar(3)? \
    date_first:smallint quoted_identifier:bit arithabort:bit ansi_null_dflt_on:bit ansi_defaults:bit \
    ansi_warnings:bit ansi_padding:bit ansi_nulls:bit concat_null_yields_null:bit \
    transaction_isolation_level:smallint lock_timeout:int deadlock_priority:int row_count:bigint prev_error:int \
    original_security_id:varbinary(85) original_login_name:nvarchar(128) last_successful_logon:datetime? \
    last_unsuccessful_logon:datetime? unsuccessful_logons:bigint? group_id:int database_id:smallint \
    authenticating_database_id:int? open_transaction_count:int 2019/page_server_reads:bigint \
    2022/contained_availability_group_id:uniqueidentifier?";

/// The views of this family.
pub(super) const VIEWS: &[View] = &[
    View::open("sys.databases", &[DATABASE]),
    View::open(
        "sys.configurations",
        &[
            "configuration_id:int name:nvarchar(35) value:sql_variant? minimum:sql_variant? maximum:sql_variant? \
           value_in_use:sql_variant? description:nvarchar(255) is_dynamic:bit is_advanced:bit",
        ],
    ),
    View::open(
        "sys.database_scoped_configurations",
        &["configuration_id:int? name:nvarchar(60)? value:sql_variant? value_for_secondary:sql_variant? \
           2017/is_value_default:bit?"],
    )
    .since(13),
    View {
        is_function: true,
        ..View::open("sys.fn_helpcollations", &["name:sysname description:nvarchar(1000)"])
    },
    View::open(
        "sys.dm_exec_connections",
        &["session_id:int? most_recent_session_id:int? connect_time:datetime net_transport:nvarchar(40) \
           protocol_type:nvarchar(40)? protocol_version:int? endpoint_id:int? encrypt_option:nvarchar(40) \
           auth_scheme:nvarchar(40) node_affinity:smallint num_reads:int? num_writes:int? last_read:datetime? \
           last_write:datetime? net_packet_size:int? client_net_address:varchar(48)? client_tcp_port:int? \
           local_net_address:varchar(48)? local_tcp_port:int? connection_id:uniqueidentifier \
           parent_connection_id:uniqueidentifier? most_recent_sql_handle:varbinary(64)?"],
    ),
    View::open("sys.dm_exec_sessions", &[SESSION]),
    View::hidden(
        "sys.dm_hadr_database_replica_states",
        &[
            "database_id:int group_id:uniqueidentifier replica_id:uniqueidentifier group_database_id:uniqueidentifier \
           is_local:bit? 2014/is_primary_replica:bit? synchronization_state:tinyint? \
           synchronization_state_desc:nvarchar(60)? is_commit_participant:bit? synchronization_health:tinyint? \
           synchronization_health_desc:nvarchar(60)? database_state:tinyint? database_state_desc:nvarchar(60)? \
           is_suspended:bit? suspend_reason:tinyint? suspend_reason_desc:nvarchar(60)? recovery_lsn:numeric(25,0)? \
           truncation_lsn:numeric(25,0)? last_sent_lsn:numeric(25,0)? last_sent_time:datetime? \
           last_received_lsn:numeric(25,0)? last_received_time:datetime? last_hardened_lsn:numeric(25,0)? \
           last_hardened_time:datetime? last_redone_lsn:numeric(25,0)? last_redone_time:datetime? \
           log_send_queue_size:bigint? log_send_rate:bigint? redo_queue_size:bigint? redo_rate:bigint? \
           filestream_send_rate:bigint? end_of_log_lsn:numeric(25,0)? last_commit_lsn:numeric(25,0)? \
           last_commit_time:datetime? low_water_mark_for_ghosts:bigint? 2016/secondary_lag_seconds:bigint? \
           2019/quorum_commit_lsn:numeric(25,0)? 2019/quorum_commit_time:datetime?",
        ],
    ),
];

/// The time at which the simulated server began.
fn started() -> Moment {
    Moment::day(2024, 1, 1)
}

/// Fills the views of the server.
pub(super) fn fill(fill: &mut Fill<'_>) {
    fill_databases(fill);
    let settings = [
        (503, "max worker threads", 0, "Maximum worker threads"),
        (1539, "max degree of parallelism", 0, "maximum degree of parallelism"),
        (1544, "max server memory (MB)", 2_147_483_647, "Maximum size of server memory (MB)"),
        (1562, "clr enabled", 0, "CLR user code execution enabled in the server"),
        (505, "network packet size (B)", 4096, "Network packet size"),
    ];
    for (id, name, value, words) in settings {
        let value = variant("int", Cell::Integer(value));
        let cells = row![
            "configuration_id" => id, "name" => text(name), "value" => value.clone(),
            "minimum" => variant("int", Cell::Integer(0)),
            "maximum" => variant("int", Cell::Integer(i64::from(i32::MAX))), "value_in_use" => value,
            "description" => text(words), "is_dynamic" => true,
        ];
        fill.add("sys.configurations", cells);
    }
    for (id, name, value) in
        [(1, "MAXDOP", 0), (2, "LEGACY_CARDINALITY_ESTIMATION", 0), (3, "PARAMETER_SNIFFING", 1)]
    {
        let cells = row![
            "configuration_id" => id, "name" => text(name), "value" => variant("int", Cell::Integer(value)),
            "is_value_default" => true,
        ];
        fill.add("sys.database_scoped_configurations", cells);
    }
    for collation in super::collations::ALL {
        let words = format!("{collation}, as this server has it");
        fill.add("sys.fn_helpcollations", row!["name" => text(collation), "description" => text(&words)]);
    }
    fill_session(fill);
}

fn fill_databases(fill: &mut Fill<'_>) {
    let level = match fill.version {
        version @ 11..=17 => i64::from(version) * 10,
        _ => 160,
    };
    let collation = "SQL_Latin1_General_CP1_CI_AS";
    for database in &fill.facts.databases {
        let snapshot = database.source_database_id.is_some();
        let isolation = database.snapshot_isolation || snapshot;
        let broker: Vec<u8> = [database.id.to_le_bytes().to_vec(), vec![0; 12]].concat();
        let cells = row![
            "name" => text(&database.name), "database_id" => database.id,
            "source_database_id" => database.source_database_id, "owner_sid" => Cell::Blob(vec![1]),
            "create_date" => database.create_date.as_datetime().0,
            "compatibility_level" => database.compatibility_level.map_or(level, i64::from),
            "collation_name" => text(database.collation.as_deref().unwrap_or(collation)),
            "user_access" => 0, "user_access_desc" => text("MULTI_USER"),
            "is_read_only" => database.is_read_only || snapshot, "is_auto_shrink_on" => false, "state" => 0,
            "state_desc" => text("ONLINE"), "is_in_standby" => false, "is_cleanly_shutdown" => false,
            "snapshot_isolation_state" => i64::from(isolation),
            "snapshot_isolation_state_desc" => text(if isolation { "ON" } else { "OFF" }),
            "is_read_committed_snapshot_on" => false, "recovery_model" => 1, "recovery_model_desc" => text("FULL"),
            "page_verify_option" => 2, "page_verify_option_desc" => text("CHECKSUM"),
            "is_auto_create_stats_on" => true, "is_auto_update_stats_on" => true, "is_fulltext_enabled" => true,
            "is_trustworthy_on" => false, "is_encrypted" => false, "log_reuse_wait" => 0,
            "log_reuse_wait_desc" => text("NOTHING"), "containment" => 0, "containment_desc" => text("NONE"),
            "service_broker_guid" => Cell::Blob(broker), "target_recovery_time_in_seconds" => 60,
            "delayed_durability" => 0, "delayed_durability_desc" => text("DISABLED"),
            "is_query_store_on" => false, "is_remote_data_archive_enabled" => false, "is_ledger_on" => false,
            "physical_database_name" => text(&database.name), "catalog_collation_type" => 0,
            "catalog_collation_type_desc" => text("DATABASE_DEFAULT"),
            "is_accelerated_database_recovery_on" => false, "is_memory_optimized_enabled" => true,
        ];
        fill.add("sys.databases", cells);
    }
}

/// The row of the session that asks: what differs from one to the other is filled in when the view is read.
fn fill_session(fill: &mut Fill<'_>) {
    let started = started().0;
    fill.add(
        "sys.dm_exec_connections",
        row![
            "connect_time" => started, "net_transport" => text("TCP"), "protocol_type" => text("TSQL"),
            "protocol_version" => 1_946_157_060, "endpoint_id" => 4, "auth_scheme" => text("SQL"),
            "num_reads" => 1, "num_writes" => 1, "net_packet_size" => 4096,
            "client_net_address" => text("127.0.0.1"), "local_net_address" => text("127.0.0.1"),
            "local_tcp_port" => 1433, "connection_id" => Cell::Blob(vec![1; 16]),
        ],
    );
    fill.add(
        "sys.dm_exec_sessions",
        row![
            "login_time" => started, "status" => text("running"), "is_user_process" => true,
            "last_request_start_time" => started, "text_size" => 2_147_483_647, "language" => text("us_english"),
            "date_format" => text("mdy"), "date_first" => 7, "quoted_identifier" => true,
            "ansi_null_dflt_on" => true, "ansi_warnings" => true, "ansi_padding" => true, "ansi_nulls" => true,
            "concat_null_yields_null" => true, "transaction_isolation_level" => 2, "lock_timeout" => -1,
            "database_id" => fill.facts.database_id, "group_id" => 2,
        ],
    );
}
