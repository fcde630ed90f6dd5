//! What the catalog has comes out of the views as SQL Server would tell it.

use super::*;

fn check(sql: &str, expected: &[&str]) {
    assert_eq!(rows(&views(), sql), expected, "{sql}");
}

#[test]
fn objects_have_their_types_and_parents() {
    check(
        "select name, type, object_name(parent_object_id) from sys.objects where is_ms_shipped = 0 and name not like '%[_][_]%' order by name",
        &[
            "Big|V |NULL",
            "CK_Total|C |Orders",
            "Do|P |NULL",
            "FK_Lines_Orders|F |Lines",
            "Inbox|SQ|NULL",
            "Lines|U |NULL",
            "LinesHistory|U |NULL",
            "Median|AF|NULL",
            "Numbers|SO|NULL",
            "O|SN|NULL",
            "OnOrder|TR|Orders",
            "Orders|U |NULL",
            "PK_Orders|PK|Orders",
            "TT_Ids_00000102|TT|NULL",
            "Twice|FN|NULL",
        ],
    );
    check(
        "select name, parent_class_desc, object_name(parent_id) from sys.triggers order by name",
        &["Guard|DATABASE|NULL", "OnOrder|OBJECT_OR_COLUMN|Orders"],
    );
}

#[test]
fn columns_have_types_lengths_and_collations() {
    check(
        "select c.name, t.name, c.max_length, c.precision, c.scale, c.is_nullable, c.collation_name from sys.columns c join sys.types t on t.user_type_id = c.user_type_id where c.object_id = object_id('sales.Orders') order by c.column_id",
        &[
            "OrderID|int|4|10|0|0|NULL",
            "Phone|Phone|50|0|0|1|SQL_Latin1_General_CP1_CI_AS",
            "Total|decimal|9|10|2|1|NULL",
            "Twice|decimal|9|12|2|1|NULL",
            "Note|varchar|-1|0|0|1|Cyrillic_General_CI_AS",
            "Placed|datetime2|7|23|3|0|NULL",
            "Extra|xml|-1|0|0|1|NULL",
        ],
    );
    check(
        "select seed_value, increment_value, last_value from sys.identity_columns",
        &["int:10|int:5|int:40"],
    );
    check("select name, definition, is_persisted from sys.computed_columns", &["Twice|([Total]*(2))|1"]);
    check(
        "select left(name, 19), definition, is_system_named from sys.default_constraints",
        &["DF__Orders__Total__|((0))|1"],
    );
    check(
        "select start_value, increment, minimum_value, is_cycling from sys.sequences",
        &[
            "decimal(38,0):92233720368547758070e-0|decimal(38,0):-1e-0|decimal(38,0):-99999999999999999999999999999999999999e-0|1",
        ],
    );
}

#[test]
fn keys_and_indexes_have_their_columns() {
    check(
        "select i.name, i.index_id, i.type_desc, c.name, ic.key_ordinal, ic.is_descending_key, ic.is_included_column, i.filter_definition from sys.indexes i join sys.index_columns ic on ic.object_id = i.object_id and ic.index_id = i.index_id join sys.columns c on c.object_id = ic.object_id and c.column_id = ic.column_id where i.object_id = object_id('sales.Orders') and i.is_unique_constraint = 0 order by i.index_id, ic.index_column_id",
        &[
            "PK_Orders|1|CLUSTERED|OrderID|1|1|0|NULL",
            "IX_Placed|3|NONCLUSTERED|Placed|1|0|0|([Total]>(0))",
            "IX_Placed|3|NONCLUSTERED|Phone|2|0|0|([Total]>(0))",
            "IX_Placed|3|NONCLUSTERED|Total|0|0|1|([Total]>(0))",
            "XI_Extra|256000|XML|Extra|0|0|0|NULL",
        ],
    );
    check(
        "select name, type, is_system_named from sys.key_constraints where name = 'PK_Orders'",
        &["PK_Orders|PK|0"],
    );
    check(
        "select count(*) from sys.key_constraints where is_system_named = 1 and name like 'UQ[_][_]Orders%'",
        &["1"],
    );
    check(
        "select f.name, object_name(f.referenced_object_id), f.delete_referential_action_desc, f.is_not_trusted, col_name(k.parent_object_id, k.parent_column_id), col_name(k.referenced_object_id, k.referenced_column_id) from sys.foreign_keys f join sys.foreign_key_columns k on k.constraint_object_id = f.object_id",
        &["FK_Lines_Orders|Orders|CASCADE|0|OrderID|OrderID"],
    );
    check("select is_disabled, is_not_trusted, parent_column_id from sys.check_constraints", &["1|1|3"]);
    check("select col_name(object_id, column_id) from sys.fulltext_index_columns", &["Note"]);
}

#[test]
fn traits_of_tables_stand_in_their_columns() {
    check(
        "select temporal_type_desc, object_name(history_table_id) from sys.tables where name = 'Lines'",
        &["SYSTEM_VERSIONED_TEMPORAL_TABLE|LinesHistory"],
    );
    check(
        "select name, generated_always_type_desc from sys.columns where generated_always_type > 0",
        &["From|AS_ROW_START", "To|AS_ROW_END"],
    );
    check(
        "select col_name(object_id, start_column_id), col_name(object_id, end_column_id) from sys.periods",
        &["From|To"],
    );
    check(
        "select ds.type, p.partition_number, p.rows from sys.indexes i join sys.data_spaces ds on ds.data_space_id = i.data_space_id join sys.partitions p on p.object_id = i.object_id and p.index_id = i.index_id where object_name(i.object_id) = 'Lines' order by 2",
        &["PS|1|4", "PS|2|3"],
    );
}

#[test]
fn types_principals_and_properties_are_told() {
    check(
        "select name, is_user_defined, is_table_type, type_name(system_type_id) from sys.types where is_user_defined = 1 order by name",
        &["Ids|1|1|NULL", "Phone|1|0|nvarchar"],
    );
    check(
        "select tt.name, c.name, type_name(c.user_type_id) from sys.table_types tt join sys.columns c on c.object_id = tt.type_table_object_id",
        &["Ids|Id|int"],
    );
    check(
        "select p.name, p.type, r.name from sys.database_principals p join sys.database_role_members m on m.member_principal_id = p.principal_id join sys.database_principals r on r.principal_id = m.role_principal_id",
        &["ann|S|clerks"],
    );
    check(
        "select state_desc, permission_name, type, object_name(major_id), user_name(grantee_principal_id) from sys.database_permissions",
        &["GRANT|SELECT|SL  |Orders|clerks"],
    );
    check(
        "select class_desc, minor_id, name, value from sys.extended_properties order by class, minor_id",
        &[
            "OBJECT_OR_COLUMN|0|MS_Description|nvarchar(4000):What was ordered",
            "OBJECT_OR_COLUMN|3|MS_Description|nvarchar(4000):In euros",
            "SCHEMA|0|Owner|nvarchar(4000):Ann",
        ],
    );
    check(
        "select name, parameter_id, type_name(user_type_id), is_output from sys.parameters order by parameter_id",
        &["|0|bigint|1", "@a|1|int|0"],
    );
    check("select base_object_name from sys.synonyms", &["[sales].[Orders]"]);
}

#[test]
fn objects_that_are_only_named_stand_in_their_views() {
    check("select name from sys.fulltext_catalogs", &["Words"]);
    check("select name, type_desc from sys.service_queues", &["Inbox|SERVICE_QUEUE"]);
    check("select object_name(object_id), name from sys.stats where user_created = 1", &["Orders|ByTotal"]);
    check("select session_id, encrypt_option from sys.dm_exec_connections", &["51|FALSE"]);
}
