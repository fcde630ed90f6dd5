//! Tests of the model reader on made-up models.

use super::*;
use crate::ErrorKind;
use mssql2pg_catalog::{IndexKind, Length, ReferentialAction, SqlType};

fn model(elements: &str) -> Result<Catalog, SourceError> {
    read_model(&format!(
        r#"<?xml version="1.0"?><DataSchemaModel DspName="Microsoft.Data.Tools.Schema.Sql.Sql160DatabaseSchemaProvider"
        xmlns="http://schemas.microsoft.com/sqlserver/dac/Serialization/2012/02"><Model>{elements}</Model></DataSchemaModel>"#
    ))
}

fn reference(relationship: &str, name: &str) -> String {
    format!(
        r#"<Relationship Name="{relationship}"><Entry><References Name="{name}" /></Entry></Relationship>"#
    )
}

fn column(name: &str, type_name: &str, properties: &str) -> String {
    format!(
        r#"<Entry><Element Type="SqlSimpleColumn" Name="{name}">{properties}<Relationship Name="TypeSpecifier"><Entry>
        <Element Type="SqlTypeSpecifier"><Relationship Name="Type"><Entry>{type_name}</Entry></Relationship></Element>
        </Entry></Relationship></Element></Entry>"#
    )
}

fn built_in(name: &str) -> String {
    format!(r#"<References ExternalSource="BuiltIns" Name="[{name}]" />"#)
}

fn table_of(name: &str, extra: &str, columns: &str) -> String {
    format!(
        r#"<Element Type="SqlTable" Name="{name}">{extra}<Relationship Name="Columns">{columns}</Relationship></Element>"#
    )
}

fn two_column_table() -> String {
    let columns =
        column("[dbo].[T].[a]", &built_in("int"), r#"<Property Name="IsNullable" Value="False" />"#)
            + &column("[dbo].[T].[b]", &built_in("sysname"), "");
    table_of("[dbo].[T]", "", &columns)
}

fn key_column(name: &str, properties: &str) -> String {
    format!(
        r#"<Relationship Name="ColumnSpecifications"><Entry><Element Type="SqlIndexedColumnSpecification">{properties}{}</Element>
        </Entry></Relationship>"#,
        reference("Column", name)
    )
}

#[test]
fn an_alias_type_is_resolved_wherever_it_stands() {
    let alias = format!(
        r#"<Element Type="SqlUserDefinedDataType" Name="[dbo].[Code]"><Property Name="IsNullable" Value="False" />
        <Property Name="Length" Value="6" /><Relationship Name="Type"><Entry>{}</Entry></Relationship></Element>"#,
        built_in("varchar")
    );
    let columns = column("[dbo].[T].[a]", r#"<References Name="[dbo].[Code]" />"#, "");
    let catalog = model(&(table_of("[dbo].[T]", "", &columns) + &alias)).unwrap();
    let code = &catalog.tables[0].columns[0];
    assert_eq!(code.sql_type, SqlType::VarChar { length: Length::limited(6) });
    assert_eq!(code.alias, Some(ObjectName::new("dbo", "Code")));
    assert!(code.nullable);
    assert!(!catalog.alias_types[0].nullable);
    assert_eq!(catalog.database.compatibility_level, Some(160));
}

#[test]
fn constraints_find_their_table_and_their_server_made_names() {
    let unnamed =
        r#"<Annotation Type="SqlInlineConstraintAnnotation" Name="[dbo].[PK__T__1]" Disambiguator="3" />"#;
    let elements = format!(
        r#"<Element Type="SqlPrimaryKeyConstraint">{}{}{unnamed}</Element>
        <Element Type="SqlIndex" Name="[dbo].[T].[IX]"><Property Name="IsUnique" Value="True" />
          <Property Name="FilterPredicate"><Value><![CDATA[[b] IS NOT NULL]]></Value></Property>{}{}{}</Element>
        <Element Type="SqlForeignKeyConstraint" Name="[dbo].[FK]"><Property Name="OnDeleteAction" Value="1" />{}{}{}{}
          <Annotation Type="IsNotTrustedPropertyAnnotation" /></Element>
        <Element Type="SqlDefaultConstraint" Name="[dbo].[DF]"><Property Name="DefaultExpressionScript">
          <Value><![CDATA[((0))]]></Value></Property>{}{}</Element>{}"#,
        key_column("[dbo].[T].[a]", r#"<Property Name="IsDescending" Value="True" />"#),
        reference("DefiningTable", "[dbo].[T]"),
        key_column("[dbo].[T].[b]", ""),
        reference("IndexedObject", "[dbo].[T]"),
        reference("IncludedColumns", "[dbo].[T].[a]"),
        reference("DefiningTable", "[dbo].[T]"),
        reference("Columns", "[dbo].[T].[a]"),
        reference("ForeignTable", "[dbo].[T]"),
        reference("ForeignColumns", "[dbo].[T].[a]"),
        reference("DefiningTable", "[dbo].[T]"),
        reference("ForColumn", "[dbo].[T].[a]"),
        two_column_table(),
    );
    let catalog = model(&elements).unwrap();
    let table = &catalog.tables[0];
    let key = table.primary_key.as_ref().unwrap();
    assert_eq!(
        (key.name.as_deref(), key.clustered, key.columns[0].descending),
        (Some("PK__T__1"), true, true)
    );
    let index = &table.indexes[0];
    assert_eq!((index.kind, index.unique, index.clustered), (IndexKind::BTree, true, false));
    assert_eq!(index.filter.as_deref(), Some("[b] IS NOT NULL"));
    assert_eq!(index.included, ["a"]);
    let foreign_key = &table.foreign_keys[0];
    assert_eq!((foreign_key.on_delete, foreign_key.trusted), (ReferentialAction::Cascade, false));
    assert_eq!(table.columns[0].default.as_ref().map(|default| default.text.as_str()), Some("((0))"));
    assert_eq!(table.columns[1].alias, Some(ObjectName::new("sys", "sysname")));
}

#[test]
fn what_refers_to_nothing_is_damage_and_named() {
    let check = |elements: &str, expected: &str| {
        let error = model(elements).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Damaged);
        assert!(error.context.contains(expected), "{}", error.context);
    };
    let key = |table: &str, column: &str| {
        let table = reference("DefiningTable", table);
        format!(
            r#"<Element Type="SqlPrimaryKeyConstraint" Name="[dbo].[PK]">{table}{}</Element>"#,
            key_column(column, "")
        )
    };
    check(&key("[dbo].[Gone]", "[dbo].[Gone].[a]"), "dbo.Gone");
    check(&(two_column_table() + &key("[dbo].[T]", "[dbo].[T].[z]")), "column z");
    check(&(two_column_table() + &two_column_table()), "two tables");
    check(&table_of("[dbo].[T]", "", ""), "no columns");
    check(
        &table_of(
            "[dbo].[T]",
            "",
            r#"<Entry><Element Type="SqlSimpleColumn" Name="[dbo].[T].[a]" /></Entry>"#,
        ),
        "no type",
    );
}

#[test]
fn what_we_do_not_know_is_listed_without_its_properties() {
    let catalog = model(
        r#"<Element Type="SqlMasterKey"><Property Name="EncryptionPassword" Value="secret" /></Element>
        <Element Type="SqlPartitionFunction" Name="[PF]" />
        <Element Type="SqlLogin" Name="[app]"><Property Name="Password" Value="secret" /></Element>"#,
    )
    .unwrap();
    let kinds: Vec<_> =
        catalog.other.iter().map(|other| (other.kind.as_str(), other.name.as_str())).collect();
    assert_eq!(kinds, [("SqlMasterKey", ""), ("SqlPartitionFunction", "PF")]);
    assert!(!format!("{catalog:?}").contains("secret"));
}

#[test]
fn traits_of_a_table_are_told() {
    let extra = format!(
        r#"<Property Name="IsMemoryOptimized" Value="True" />{}"#,
        reference("TemporalSystemVersioningHistoryTable", "[dbo].[H]")
    );
    let plain = column("[dbo].[H].[a]", &built_in("int"), "");
    let cipher = column("[dbo].[T].[a]", &built_in("int"), r#"<Property Name="EncryptionType" Value="1" />"#);
    let tables = table_of("[dbo].[H]", "", &plain) + &table_of("[dbo].[T]", &extra, &cipher);
    let catalog = model(&tables).unwrap();
    assert_eq!(catalog.tables[0].traits, ["history-table"]);
    assert_eq!(catalog.tables[1].traits, ["memory-optimized", "system-versioned"]);
    assert!(catalog.tables[1].columns[0].encrypted);
}

#[test]
fn sequences_synonyms_roles_and_table_types_are_read() {
    let elements = format!(
        r#"<Element Type="SqlSequence" Name="[dbo].[S]"><Property Name="Increment" Value="-5" />
          <Property Name="MaxValue" Value="100" /><Property Name="IsCycling" Value="True" />
          <Annotation Type="OnlinePropertyAnnotation" Name="[CurrentValue]"><Property Name="Value" Value="90" /></Annotation></Element>
        <Element Type="SqlSynonym" Name="[dbo].[Y]">{}</Element>
        <Element Type="SqlRoleMembership">{}{}</Element>
        <Element Type="SqlTableType" Name="[dbo].[Ids]"><Relationship Name="Columns"><Entry>
          <Element Type="SqlTableTypeSimpleColumn" Name="[dbo].[Ids].[Id]"><Property Name="IsNullable" Value="False" />
          <Relationship Name="TypeSpecifier"><Entry><Element Type="SqlTypeSpecifier"><Relationship Name="Type"><Entry>{}</Entry></Relationship></Element></Entry></Relationship></Element>
        </Entry></Relationship></Element>"#,
        reference("ForObject", "[other].[dbo].[T]"),
        reference("Role", "[readers]"),
        reference("Member", "[ann]"),
        built_in("int"),
    );
    let catalog = model(&elements).unwrap();
    let sequence = &catalog.sequences[0];
    assert_eq!((sequence.start, sequence.increment, sequence.cycle), (100, -5, true));
    assert_eq!((sequence.sql_type.clone(), sequence.current_value), (SqlType::BigInt, Some(90)));
    assert_eq!(catalog.synonyms[0].target, "[other].[dbo].[T]");
    assert_eq!(
        (catalog.role_memberships[0].role.as_str(), catalog.role_memberships[0].member.as_str()),
        ("readers", "ann")
    );
    assert_eq!(catalog.code[0].text, "table (\n    [Id] int not null\n)");
}

#[test]
fn random_models_never_panic() {
    let whole = format!(
        "<DataSchemaModel DspName='a'><Model>{}{}</Model></DataSchemaModel>",
        two_column_table(),
        r#"<Element Type="SqlView" Name="[dbo].[V]"><Property Name="QueryScript"><Value><![CDATA[select]]></Value></Property></Element>"#
    );
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let snippets = [
        "<",
        ">",
        "\"",
        "[",
        "]",
        "&",
        "<![CDATA[",
        "</Element>",
        "<Element Type='SqlTable'>",
        "Name",
        "\u{1F600}",
    ];
    let mut good = 0;
    for _ in 0..10_000 {
        let mut text: Vec<char> = whole.chars().collect();
        for _ in 0..random() % 3 {
            let at = random() as usize % text.len();
            let length = (random() % 20) as usize;
            let end = (at + length).min(text.len());
            let with = snippets[random() as usize % snippets.len()];
            text.splice(at..end, with.chars());
        }
        good += usize::from(read_model(&text.into_iter().collect::<String>()).is_ok());
    }
    assert!(good > 0, "an undamaged model is read");
}
