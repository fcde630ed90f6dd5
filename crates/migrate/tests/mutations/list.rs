//! The mutations: what is changed in the target, and what validation must say of it.

use crate::made::float;

/// One change of the target.
#[derive(Debug, Clone)]
pub(crate) struct Mutation {
    /// The table in the source.
    pub(crate) table: String,
    /// What changes it.
    pub(crate) sql: String,
    /// What is to be done before its rows are put back.
    pub(crate) undo: String,
    /// Kind, key and columns of each row that must be listed.
    pub(crate) rows: Vec<(&'static str, String, Vec<String>)>,
}

/// Column, row, and the SQL of its new value; `{c}` is the column.
const CELLS: &[(&str, i64, &[&str])] = &[
    ("Flag", 3, &["not {c}", "null"]),
    ("Flag", 4, &["not {c}"]),
    ("Tiny", 5, &["{c} + 1", "{c} - 100", "-{c}", "null", "0"]),
    ("Small", 6, &["{c} + 1", "-{c}", "{c} # 256", "null", "0"]),
    ("Number", 7, &["{c} + 1", "-{c}", "{c} # 65536", "null", "{c} / 10"]),
    ("Big", 8, &["{c} + 1", "-{c}", "{c} # 4294967296", "null", "{c} & 4294967295", "{c} % 2147483647"]),
    ("Amount", 9, &["{c} + 0.0001", "-{c}", "{c} * 10", "trunc({c})", "null", "{c} / 10"]),
    ("Long", 10, &["{c} + 0.0000000001", "-{c}", "round({c}, 8)", "{c}::float8::numeric(38,10)", "null"]),
    ("Price", 11, &["{c} + 0.0001", "-{c}", "round({c}, 2)", "null"]),
    ("Single", 12, &["-{c}", "null", "0", "round({c})", "'NaN'"]),
    ("Float", 13, &["-{c}", "null", "{c}::float4", "round({c})", "'NaN'", "'-Infinity'"]),
    ("Float", 21, &["'-0'::float8", "'5e-324'::float8"]),
    ("Single", 21, &["'-0'::float4", "'1e-45'::float4"]),
    ("Day", 14, &["{c} + 1", "{c} - 1", "({c} + interval '1 month')::date", "null", "'infinity'"]),
    ("Clock", 15, &["{c} + interval '1 microsecond'", "{c} - interval '1 hour'", "'00:00'", "null"]),
    (
        "Moment",
        16,
        &[
            "{c} + interval '1 microsecond'",
            "{c} - interval '1 hour'",
            "{c} + interval '1 day'",
            "{c}::timestamp(3)",
            "date_trunc('day', {c})",
            "null",
        ],
    ),
    (
        "Old",
        17,
        &["{c} + interval '1 hour'", "{c} + interval '3 milliseconds'", "{c} - interval '1 year'", "null"],
    ),
    (
        "Local",
        18,
        &["{c} + interval '1 hour'", "{c} - interval '2 hours'", "{c} + interval '1 millisecond'", "null"],
    ),
    (
        "Name",
        19,
        &[
            "{c} || ' '",
            "' ' || {c}",
            "left({c}, -1)",
            "right({c}, -1)",
            "upper({c})",
            "replace({c}, 'A', 'a')",
            "normalize({c}, NFD)",
            "replace({c}, 'é', 'e')",
            "replace({c}, 'é', 'Ã©')",
            "replace({c}, 'a', e'\\u0430')",
            "replace({c}, ' ', e'\\u00A0')",
            "replace({c}, ' ', e'\\t')",
            "reverse({c})",
            "''",
            "null",
            "{c} || e'\\u200B'",
        ],
    ),
    // Empty, NULL, and a text with line breaks.
    ("Note", 20, &["null", "' '", "e'\\n'"]),
    ("Note", 21, &["''", "' '", "'null'"]),
    (
        "Note",
        22,
        &[
            "rtrim({c})",
            "replace({c}, e'\\r\\n', e'\\n')",
            "replace({c}, 'ß', 'ss')",
            "replace({c}, e'\\U0001F600', '?')",
            "replace({c}, e'\\U0001F600', e'\\U0001F601')",
            "{c} || {c}",
            "''",
            "null",
        ],
    ),
    ("Code", 23, &["{c} || ' '", "upper({c})", "left({c}, -1)", "replace({c}, '0', 'O')", "null", "''"]),
    ("Padded", 24, &["upper({c})", "left({c}, 2)", "'p'", "null", "''", "' ' || {c}"]),
    (
        "Bytes",
        25,
        &[
            "set_byte({c}, 0, get_byte({c}, 0) # 1)",
            "set_byte({c}, 3, get_byte({c}, 3) # 128)",
            "{c} || '\\x00'::bytea",
            "substr({c}, 1, 3)",
            "'\\x'::bytea",
            "null",
            "convert_to(encode({c}, 'hex'), 'UTF8')",
        ],
    ),
    (
        "Guid",
        26,
        &[
            "(substr({c}::text, 7, 2) || substr({c}::text, 5, 2) || substr({c}::text, 3, 2) || left({c}::text, 2) || substr({c}::text, 9))::uuid",
            "(left({c}::text, 9) || substr({c}::text, 12, 2) || substr({c}::text, 10, 2) || substr({c}::text, 14))::uuid",
            "(left({c}::text, -1) || 'f')::uuid",
            "'00000000-0000-0000-0000-000000000000'",
            "null",
        ],
    ),
    (
        "Doc",
        27,
        &[
            "replace({c}::text, 'x', 'y')::xml",
            "replace({c}::text, '><', '> <')::xml",
            "replace({c}::text, '\"27\"', '\"28\"')::xml",
            "({c}::text || '<!-- -->')::xml",
            "null",
        ],
    ),
    (
        "Json",
        28,
        &[
            "jsonb_set({c}, '{a}', '29')",
            "jsonb_set({c}, '{a}', '\"28\"')",
            "{c} - 'b'",
            "jsonb_set({c}, '{b}', '[2.50, 1]')",
            "jsonb_set({c}, '{d}', 'null')",
            "null",
            "'null'",
        ],
    ),
    ("Path", 29, &["'/2/'", "'/1/1/'", "''", "null"]),
    ("Place", 30, &["set_byte({c}, 12, get_byte({c}, 12) # 1)", "substr({c}, 1, length({c}) - 1)", "null"]),
];

/// Columns whose values are swapped between two rows.
const SWAPPED: &[&str] = &["Number", "Amount", "Float", "Moment", "Name", "Guid", "Bytes", "Code"];

fn changed(table: &str, key: &str, column: &str, sql: String) -> Mutation {
    Mutation {
        table: table.to_owned(),
        sql,
        undo: String::new(),
        rows: vec![("changed", key.to_owned(), vec![column.to_owned()])],
    }
}

/// Mutations of the table with a key.
pub(crate) fn of_everything() -> Vec<Mutation> {
    const TABLE: &str = "dbo.Everything";
    let mut all = Vec::new();
    let name = |column: &str| format!("\"{}\"", column.to_lowercase());
    for (column, id, values) in CELLS {
        for value in *values {
            let value = value.replace("{c}", &name(column));
            let sql = format!("update public.everything set {} = {value} where id = {id}", name(column));
            all.push(changed(TABLE, &format!("Id={id}"), column, sql));
        }
    }
    // One bit of a float: the last, one in the middle, and one of the exponent.
    for bit in [0, 30, 52] {
        let value = f64::from_bits(float(33).to_bits() ^ (1 << bit));
        let sql = format!("update public.everything set float = '{value:e}'::float8 where id = 33");
        all.push(changed(TABLE, "Id=33", "Float", sql));
        let value = f32::from_bits((float(34) as f32).to_bits() ^ (1 << (bit / 2)));
        let sql = format!("update public.everything set single = '{value:e}'::float4 where id = 34");
        all.push(changed(TABLE, "Id=34", "Single", sql));
    }
    for column in SWAPPED {
        let name = name(column);
        let sql = format!(
            "update public.everything as a set {name} = b.{name} from public.everything as b where (a.id, b.id) in ((35, 37), (37, 35))"
        );
        let row = |key: &str| ("changed", key.to_owned(), vec![(*column).to_owned()]);
        all.push(Mutation { rows: vec![row("Id=35"), row("Id=37")], ..changed(TABLE, "", column, sql) });
    }
    let whole = |sql: &str, rows: &[(&'static str, &str, &[&str])]| {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let rows = rows.iter().map(|(kind, key, columns)| (*kind, (*key).to_owned(), owned(columns)));
        Mutation { table: TABLE.to_owned(), sql: sql.to_owned(), undo: String::new(), rows: rows.collect() }
    };
    all.push(whole("delete from public.everything where id = 38", &[("missing", "Id=38", &[])]));
    all.push(whole(
        "update public.everything set id = -39 where id = 39",
        &[("missing", "Id=39", &["Id"]), ("extra", "Id=-39", &["Id"])],
    ));
    all.push(whole("insert into public.everything (id) values (1000)", &[("extra", "Id=1000", &[])]));
    all.push(whole(
        "update public.everything set name = 'x', flag = not flag where id = 40",
        &[("changed", "Id=40", &["Flag", "Name"])],
    ));
    all.push(Mutation {
        undo: "delete from public.everything; alter table public.everything add constraint everything_pkey primary key (id)".to_owned(),
        ..whole(
            "alter table public.everything drop constraint everything_pkey; insert into public.everything select * from public.everything where id = 5",
            &[("doubled", "Id=5", &[])],
        )
    });
    all
}

/// Mutations of the table without a key. A row is told by its number in the source, or by its `ctid`, which the test does
/// not know.
pub(crate) fn of_loose() -> Vec<Mutation> {
    type Row = (&'static str, &'static str, &'static [&'static str]);
    let list: &[(&str, &[Row])] = &[
        (
            "update public.loose set word = 'One' where number = 1",
            &[("missing", "row 1", &["Word"]), ("extra", "ctid", &["Word"])],
        ),
        (
            "update public.loose set amount = amount + 0.01 where number = 3",
            &[("missing", "row 3", &["Amount"]), ("extra", "ctid", &["Amount"])],
        ),
        (
            "update public.loose as a set word = b.word from public.loose as b where (a.number, b.number) in ((1, 3), (3, 1))",
            &[("missing", "row 1", &["Word"]), ("missing", "row 3", &["Word"]), ("extra", "ctid", &["Word"])],
        ),
        ("delete from public.loose where number = 4", &[("missing", "row 5", &[])]),
        (
            "insert into public.loose select * from public.loose where number = 1",
            &[("doubled", "row 1, ctid", &[])],
        ),
        (
            "delete from public.loose where ctid = (select min(ctid) from public.loose where number = 2)",
            &[("missing", "row 4", &[])],
        ),
        (
            "update public.loose set word = null where number = 5",
            &[("missing", "row 6", &["Word"]), ("extra", "ctid", &["Word"])],
        ),
        ("insert into public.loose values (null, null, null)", &[("extra", "ctid", &[])]),
    ];
    let mutation = |(sql, rows): &(&str, &[Row])| Mutation {
        table: "dbo.Loose".to_owned(),
        sql: (*sql).to_owned(),
        undo: String::new(),
        rows: rows
            .iter()
            .map(|(kind, key, columns)| {
                (*kind, (*key).to_owned(), columns.iter().map(|name| (*name).to_owned()).collect())
            })
            .collect(),
    };
    list.iter().map(mutation).collect()
}
