//! Bits, integers, decimals of every precision and scale, money, floats.

use crate::naive::{Parsed, Random, Sum, decimal_text, magnitude};
use crate::trial::{Cell, Owned, Tried, prove};
use mssql2pg_catalog::SqlType;

/// A decimal of so many digits, sent with `sent_scale` digits after the point to a column with `scale` of them.
pub(crate) fn decimal(digits: &str, sent_scale: usize, scale: usize, negative: bool) -> Cell {
    let value = Owned::Decimal { magnitude: magnitude(digits), scale: sent_scale as u8, negative };
    let padded = format!("{digits}{}", "0".repeat(scale - sent_scale));
    Cell::kept(value, decimal_text(&padded, scale, negative))
}

pub(crate) fn random_decimal(random: &mut Random, precision: usize, scale: usize) -> (Cell, String, bool) {
    let digits = random.below(precision as u64 + 1) as usize;
    let (digits, negative) = (random.digits(digits), random.one_in(2));
    (decimal(&digits, scale, scale, negative), digits, negative)
}

pub(crate) fn money(units: i64) -> Cell {
    Cell::kept(Owned::Money(units), decimal_text(&units.unsigned_abs().to_string(), 4, units < 0))
}

fn int(number: i64) -> Cell {
    Cell::kept(Owned::Int(number), number.to_string())
}

fn ints(sql_type: SqlType, numbers: &[i64]) -> Tried {
    let sum: i128 = numbers.iter().map(|number| i128::from(*number)).sum();
    let least = numbers.iter().min().expect("numbers");
    Tried::new(sql_type, numbers.iter().map(|number| int(*number)).chain([Cell::null()]).collect())
        .totalling("sum({c})::text", sum.to_string())
        .totalling("min({c})::text", least.to_string())
}

#[test]
fn integers_and_bits_keep_their_limits_in_every_type() {
    let bits = [Cell::kept(Owned::Bit(true), "1"), Cell::kept(Owned::Bit(false), "0"), Cell::null()];
    let flags = [Cell::kept(Owned::Bit(true), "true"), Cell::kept(Owned::Bit(false), "false"), Cell::null()];
    let tiny = [0, 255, 1, 127, 128];
    let small = [0, -1, i64::from(i16::MIN), i64::from(i16::MAX)];
    let int = [0, -1, i64::from(i32::MIN), i64::from(i32::MAX)];
    let big = [0, -1, i64::MIN, i64::MAX, i64::MIN + 1];
    prove(&[vec![
        Tried::new(SqlType::Bit, flags.to_vec()).totalling("count(*) filter (where {c})::text", "1"),
        Tried::new(SqlType::Bit, bits.to_vec()).wanting("smallint").totalling("sum({c})::text", "1"),
        Tried::new(SqlType::Bit, bits.to_vec()).wanting("integer"),
        ints(SqlType::TinyInt, &tiny),
        ints(SqlType::TinyInt, &tiny).wanting("integer"),
        ints(SqlType::SmallInt, &small),
        ints(SqlType::SmallInt, &small).wanting("integer"),
        ints(SqlType::SmallInt, &small).wanting("bigint"),
        ints(SqlType::Int, &int),
        ints(SqlType::Int, &int).wanting("bigint"),
        ints(SqlType::BigInt, &big),
    ]]);
}

#[test]
fn integers_beyond_their_column_are_refused() {
    let over = |numbers: &[i64]| numbers.iter().map(|number| Cell::refused(Owned::Int(*number))).collect();
    prove(&[
        vec![Tried::new(SqlType::SmallInt, over(&[32_768, -32_769, i64::MAX]))],
        vec![Tried::new(SqlType::Int, over(&[1 << 31, -(1 << 31) - 1, i64::MIN]))],
    ]);
}

#[test]
fn decimals_of_every_precision_and_scale_keep_every_digit() {
    let mut random = Random::seeded(1);
    let mut tables = Vec::new();
    for precision in 1..=38usize {
        let mut columns = Vec::new();
        for scale in 0..=precision {
            columns.push(decimals(&mut random, precision, scale));
        }
        tables.push(columns);
    }
    assert_eq!(tables.iter().map(Vec::len).sum::<usize>(), 779);
    prove(&tables);
}

fn decimals(random: &mut Random, precision: usize, scale: usize) -> Tried {
    let most = "9".repeat(precision);
    let one = format!("1{}", "0".repeat(precision - 1));
    let grouped: String = "1000000100000001".chars().cycle().take(precision).collect();
    let mut digits: Vec<String> = ["0", "1", "9"].iter().map(|text| (*text).to_owned()).collect();
    digits.extend([most, one, grouped]);
    // A single digit in each place, whatever groups of digits PostgreSQL makes of them.
    digits.extend((1..precision).map(|place| format!("7{}", "0".repeat(place))));
    digits.extend((0..4).map(|_| random.digits(precision)));
    let (mut cells, mut sum) = (Vec::new(), Sum::default());
    for digits in &digits {
        for negative in [false, true] {
            cells.push(decimal(digits, scale, scale, negative));
            sum.add(digits, negative);
        }
    }
    // The sum of all that and its opposite is 0, so something that has no opposite is added.
    let lone = random.digits(precision);
    cells.push(decimal(&lone, scale, scale, true));
    sum.add(&lone, true);
    // A source may send fewer digits after the point than the column has.
    if scale > 0 {
        let sent = random.below(scale as u64) as usize;
        let digits = random.digits(precision - scale + sent);
        cells.push(decimal(&digits, sent, scale, false));
        sum.add(&format!("{digits}{}", "0".repeat(scale - sent)), false);
    }
    cells.push(Cell::null());
    let sql_type = SqlType::Decimal { precision: precision as u8, scale: scale as u8 };
    let total = sum.text(scale);
    Tried::new(sql_type, cells).totalling("sum({c})::text", total)
}

#[test]
fn decimals_that_do_not_fit_are_refused_and_zeros_too_many_are_not() {
    let sent =
        |digits: &str, scale: u8| Owned::Decimal { magnitude: magnitude(digits), scale, negative: true };
    let cells = vec![
        Cell::kept(sent("12300", 4), "-1.23"),
        Cell::refused(sent("12301", 4)),
        Cell::refused(sent("100000", 2)),
        Cell::refused(sent("1000", 0)),
        Cell::kept(sent("999", 0), "-999.00"),
        Cell::kept(Owned::Int(-7), "-7.00"),
        Cell::kept(Owned::Money(-70_100), "-7.01"),
        Cell::refused(Owned::Money(-70_101)),
        Cell::refused(Owned::Decimal { magnitude: [0xFF; 16], scale: 0, negative: false }),
        Cell::refused(Owned::Decimal { magnitude: [0; 16], scale: 39, negative: false }),
        // SQL Server has a zero with a sign in old files; it is zero.
        Cell::kept(Owned::Decimal { magnitude: [0; 16], scale: 2, negative: true }, "0.00"),
    ];
    prove(&[vec![Tried::new(SqlType::Decimal { precision: 5, scale: 2 }, cells)]]);
}

#[test]
fn money_keeps_its_limits() {
    let mut random = Random::seeded(2);
    let mut units = vec![0, 1, -1, 9_999, 10_000, -10_000, 99_999_999, 100_000_000, i64::MAX, i64::MIN];
    units.extend((0..100).map(|_| random.bits() as i64));
    let small: Vec<i64> = [i32::MIN, i32::MAX, -1, 0, 1]
        .into_iter()
        .chain((0..50).map(|_| random.bits() as i32))
        .map(i64::from)
        .collect();
    let tried = |sql_type, units: &[i64]| {
        let mut sum = Sum::default();
        units.iter().for_each(|units| sum.add(&units.unsigned_abs().to_string(), *units < 0));
        let cells = units.iter().map(|units| money(*units)).chain([Cell::null()]).collect();
        let tried = Tried::new(sql_type, cells).totalling("sum({c})::text", sum.text(4));
        let most = units.iter().max().expect("units");
        tried.totalling("max({c})::text", decimal_text(&most.unsigned_abs().to_string(), 4, *most < 0))
    };
    prove(&[vec![tried(SqlType::Money, &units), tried(SqlType::SmallMoney, &small)]]);
}

#[test]
fn floats_keep_every_bit() {
    let mut random = Random::seeded(3);
    let mut doubles = vec![
        0.0,
        -0.0,
        1.0,
        0.1,
        -1.0 / 3.0,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        -f64::from_bits(0x000F_FFFF_FFFF_FFFF),
        f64::EPSILON,
        9_007_199_254_740_993.0,
        1e15,
        1e16,
        1e-5,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        // What a damaged page may hold: a NaN with a sign and a payload.
        f64::from_bits(0xFFF8_0000_DEAD_BEEF),
    ];
    doubles.extend((0..500).map(|_| f64::from_bits(random.bits())));
    let mut singles = vec![
        0.0f32,
        -0.0,
        0.1,
        f32::MAX,
        f32::MIN,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        16_777_217.0,
        1e6,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    singles.extend((0..500).map(|_| f32::from_bits(random.bits() as u32)));
    let text_of_double = |float: &f64| Cell::float(Owned::Float(*float), Parsed::Double(*float));
    let bits_of_double = |float: &f64| Cell::kept(Owned::Float(*float), format!("{:016x}", float.to_bits()));
    let text_of_single = |float: &f32| Cell::float(Owned::Real(*float), Parsed::Single(*float));
    let bits_of_single = |float: &f32| Cell::kept(Owned::Real(*float), format!("{:08x}", float.to_bits()));
    let widened = |float: &f32| Cell::float(Owned::Real(*float), Parsed::Double(f64::from(*float)));
    let highest = doubles.iter().filter(|float| float.is_finite()).copied().fold(f64::MIN, f64::max);
    prove(&[vec![
        Tried::new(SqlType::Float, doubles.iter().map(text_of_double).collect()).totalling(
            "(max({c}) filter (where {c} < 'infinity') = 1.7976931348623157e308)::text",
            {
                assert_eq!(highest, f64::MAX);
                "true"
            },
        ),
        Tried::new(SqlType::Float, doubles.iter().map(bits_of_double).collect())
            .read_by("encode(float8send({c}), 'hex')"),
        Tried::new(SqlType::Real, singles.iter().map(text_of_single).collect()),
        Tried::new(SqlType::Real, singles.iter().map(bits_of_single).collect())
            .read_by("encode(float4send({c}), 'hex')"),
        Tried::new(SqlType::Float, singles.iter().map(widened).collect()),
    ]]);
}
