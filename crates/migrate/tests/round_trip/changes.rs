//! The proof of the proof: a change of any value, however small, is seen and its column named.

use crate::binaries::bytes;
use crate::naive::{FIRST, Parsed};
use crate::numbers::decimal;
use crate::texts::nvarchar;
use crate::times::{datetime2, datetimeoffset};
use crate::trial::{Cell, Owned, Tried, columns_that_changed};
use mssql2pg_catalog::{Length, SqlType};

#[test]
fn the_smallest_change_of_a_value_is_seen_and_its_column_named() {
    let text = |text: &str| Cell::kept(Owned::utf16(text), text);
    let json = |text: &str| Cell::kept(Owned::utf16(text), text);
    let sql_type = SqlType::Decimal { precision: 38, scale: 2 };
    let columns = [
        Tried::new(sql_type, ["1", "2"].map(|digits| decimal(digits, 2, 2, false)).to_vec()),
        Tried::new(nvarchar(9), vec![text("a"), text("a"), text("")]),
        Tried::new(SqlType::DateTime2 { scale: 6 }, vec![datetime2(FIRST, 6)]),
        Tried::new(SqlType::DateTimeOffset { scale: 6 }, vec![datetimeoffset(FIRST, 60, 6, true)])
            .wanting("timestamptz+offset"),
        Tried::new(SqlType::Float, vec![Cell::float(Owned::Float(0.0), Parsed::Double(0.0))]),
        Tried::new(SqlType::VarBinary { length: Length::MAX }, vec![bytes(vec![]), bytes(vec![0; 1 << 20])]),
        Tried::new(SqlType::Json, vec![json("{\"a\": [1, 2]}")]),
        Tried::new(SqlType::Xml, vec![text("<a> </a>")]),
        Tried::new(SqlType::NChar { length: 3 }, vec![text("a"), Cell::null()]),
    ];
    let changes = [
        ("update public.t0 set c0 = c0 + 0.01 where id = 1", "c0"),
        // The sum stays the same.
        ("update public.t0 set c0 = case id when 1 then c0 + 5 else c0 - 5 end where id < 3", "c0"),
        ("update public.t0 set c1 = 'A' where id = 1", "c1"),
        ("update public.t0 set c1 = 'a ' where id = 2", "c1"),
        ("update public.t0 set c1 = null where id = 3", "c1"),
        ("update public.t0 set c1 = case id when 1 then 'a ' else 'A' end where id < 3", "c1"),
        ("update public.t0 set c2 = c2 + interval '1 microsecond' where id = 1", "c2"),
        ("update public.t0 set c3 = c3 + interval '1 hour' where id = 1", "c3"),
        ("update public.t0 set c3_offset = 0 where id = 1", "c3_offset"),
        ("update public.t0 set c4 = '-0' where id = 1", "c4"),
        ("update public.t0 set c5 = null where id = 1", "c5"),
        ("update public.t0 set c5 = set_byte(c5, 1000000, 1) where id = 2", "c5"),
        ("update public.t0 set c6 = '{\"a\": [2, 1]}' where id = 1", "c6"),
        ("update public.t0 set c6 = '{\"a\": [\"2\", 1]}' where id = 1", "c6"),
        ("update public.t0 set c7 = '<a></a>' where id = 1", "c7"),
        ("update public.t0 set c8 = '' where id = 2", "c8"),
    ];
    let statements: Vec<&str> = changes.iter().map(|(sql, _)| *sql).collect();
    let seen = columns_that_changed(&columns, &statements);
    for ((change, column), seen) in changes.iter().zip(seen) {
        assert_eq!(seen, [*column], "{change}");
    }
    // Rows that are gone, doubled, or changed for one another are seen, too; there every column may differ.
    columns_that_changed(
        &columns,
        &[
            "update public.t0 set id = 3 - id where id < 3",
            "delete from public.t0 where id = 2",
            "insert into public.t0 select * from public.t0 where id = 1",
            "delete from public.t0",
        ],
    );
}
