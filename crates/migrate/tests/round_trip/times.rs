//! Dates, times of day, moments and instants.

use crate::naive::{FIRST, LAST, Moment, Random};
use crate::trial::{Cell, Owned, Tried, prove};
use mssql2pg_catalog::SqlType;
use mssql2pg_mapping::encode::LossKind;

pub(crate) const WITH_OFFSET: &str = "{c}::text || ' ' || {c}_offset::text";

pub(crate) fn date(moment: Moment) -> Cell {
    Cell::kept(Owned::Date(moment.days()), moment.date_text())
}

/// The digits of a fraction that PostgreSQL keeps, and what is lost of this one.
fn kept_digits(scale: u8, moment: Moment) -> (usize, &'static [LossKind]) {
    let cut = scale == 7 && !moment.ticks.is_multiple_of(10);
    (usize::from(scale.min(6)), if cut { &[LossKind::FractionCut] } else { &[] })
}

pub(crate) fn time(moment: Moment, scale: u8) -> Cell {
    let moment = moment.with_scale(scale);
    let (digits, losses) = kept_digits(scale, moment);
    Cell::kept(Owned::Time(moment.day_ticks()), moment.time_text(digits)).losing(losses)
}

pub(crate) fn datetime2(moment: Moment, scale: u8) -> Cell {
    let moment = moment.with_scale(scale);
    let (digits, losses) = kept_digits(scale, moment);
    let value = Owned::DateTime2 { days: moment.days(), ticks: moment.day_ticks() };
    Cell::kept(value, moment.text(digits)).losing(losses)
}

pub(crate) fn smalldatetime(moment: Moment) -> Cell {
    datetime2(Moment { second: 0, ticks: 0, ..moment }, 0)
}

/// `thirds` are 300ths of a second within the second, which SQL Server shows as .000, .003, .007, .010 …
pub(crate) fn datetime(moment: Moment, thirds: u32) -> Cell {
    let millis = thirds / 3 * 10 + [0, 3, 7][thirds as usize % 3];
    let moment = Moment { ticks: millis * 10_000, ..moment };
    let seconds = (moment.day_ticks() / 10_000_000) as u32;
    let year_1900 = Moment { year: 1900, ..FIRST }.days();
    let value = Owned::DateTime { days: moment.days() - year_1900, ticks: seconds * 300 + thirds };
    Cell::kept(value, moment.text(3))
}

/// A local moment with its offset; it is kept as an instant in UTC, with or without the offset beside it.
pub(crate) fn datetimeoffset(local: Moment, offset: i16, scale: u8, keeps_offset: bool) -> Cell {
    let local = local.with_scale(scale);
    let utc = local.plus_minutes(-i32::from(offset));
    let (digits, losses) = kept_digits(scale, local);
    let value = Owned::DateTimeOffset { days: utc.days(), ticks: utc.day_ticks(), offset_minutes: offset };
    let mut losses = losses.to_vec();
    if offset != 0 && !keeps_offset {
        losses.push(LossKind::OffsetDropped);
    }
    let suffix = if keeps_offset { format!(" {offset}") } else { String::new() };
    Cell::kept(value, format!("{}{suffix}", utc.utc_text(digits))).losing(&losses)
}

fn moments(seed: u64) -> Vec<Moment> {
    let mut random = Random::seeded(seed);
    let at = |year, month, day| Moment { year, month, day, ..FIRST };
    let end = |year, month, day| Moment { year, month, day, ..LAST };
    let mut moments = vec![
        FIRST,
        LAST,
        Moment { ticks: 0, ..LAST },
        end(1, 1, 1),
        at(9999, 12, 31),
        at(1752, 9, 14),
        at(1753, 1, 1),
        end(1899, 12, 31),
        at(1900, 1, 1),
        at(1900, 3, 1),
        end(1969, 12, 31),
        at(1970, 1, 1),
        end(1999, 12, 31),
        at(2000, 1, 1),
        at(2000, 2, 29),
        at(2038, 1, 19),
        at(2400, 2, 29),
        // One unit of each digit, and what is left when it is cut.
        Moment { ticks: 1, ..at(2000, 1, 1) },
        Moment { ticks: 9, ..at(1999, 1, 1) },
        Moment { ticks: 10, ..at(1, 1, 1) },
        Moment { ticks: 1_234_567, ..at(1600, 2, 29) },
        Moment { ticks: 9_999_999, ..at(1, 1, 1) },
        Moment { ticks: 5_000_000, ..at(2020, 6, 15) },
    ];
    moments.extend((0..150).map(|_| Moment::random(&mut random)));
    moments
}

fn extremes(tried: Tried, moments: &[Moment], text: impl Fn(&Moment) -> String) -> Tried {
    let least = text(moments.iter().min().expect("moments"));
    let most = text(moments.iter().max().expect("moments"));
    tried.totalling("min({c})::text", least).totalling("max({c})::text", most)
}

#[test]
fn dates_of_every_year_are_kept() {
    let mut all = moments(10);
    all.extend((1..=9999).map(|year| Moment { year, month: 3, day: 1, ..FIRST }));
    let cells = all.iter().map(|moment| date(*moment)).chain([Cell::null()]).collect();
    let of_dates = Tried::new(SqlType::Date, cells)
        .totalling("min({c})::text", "0001-01-01")
        .totalling("max({c})::text", "9999-12-31")
        .totalling("count(distinct extract(year from {c}))::text", "9999");
    prove(&[vec![of_dates]]);
}

#[test]
fn times_of_day_are_cut_and_never_rounded() {
    let all = moments(11);
    let columns = (0..=7u8).map(|scale| {
        let cells = all.iter().map(|moment| time(*moment, scale)).chain([Cell::null()]).collect();
        let last = LAST.with_scale(scale).time_text(usize::from(scale.min(6)));
        Tried::new(SqlType::Time { scale }, cells)
            .totalling("min({c})::text", "00:00:00")
            .totalling("max({c})::text", last)
    });
    prove(&[columns.collect()]);
}

#[test]
fn moments_of_every_scale_stay_in_their_year() {
    let all = moments(12);
    let columns = (0..=7u8).map(|scale| {
        let cells = all.iter().map(|moment| datetime2(*moment, scale)).chain([Cell::null()]).collect();
        let digits = usize::from(scale.min(6));
        let tried = Tried::new(SqlType::DateTime2 { scale }, cells)
            .totalling("extract(year from max({c}))::text", "9999");
        extremes(tried, &all, |moment| moment.with_scale(scale).text(digits))
    });
    prove(&[columns.collect()]);
}

#[test]
fn datetimes_have_the_milliseconds_that_sql_server_shows() {
    let mut random = Random::seeded(13);
    let first = Moment { year: 1753, ..FIRST };
    let mut cells: Vec<Cell> = (0..300).map(|thirds| datetime(first, thirds)).collect();
    cells.extend((0..300).map(|thirds| datetime(LAST, thirds)));
    for _ in 0..300 {
        let moment = Moment::random(&mut random);
        cells.push(datetime(Moment { year: moment.year.max(1753), ..moment }, random.below(300) as u32));
    }
    cells.push(Cell::null());
    let of_datetimes = Tried::new(SqlType::DateTime, cells)
        .totalling("min({c})::text", "1753-01-01 00:00:00")
        .totalling("max({c})::text", "9999-12-31 23:59:59.997");
    let minutes: Vec<Moment> = (0..300)
        .map(|_| Moment { year: random.between(1900, 2078) as i32, ..Moment::random(&mut random) })
        .map(|moment| Moment { day: moment.day.min(28), second: 0, ticks: 0, ..moment })
        .chain([Moment { year: 1900, ..FIRST }])
        .chain([Moment { year: 2079, month: 6, day: 6, second: 0, ticks: 0, ..LAST }])
        .collect();
    let of_minutes =
        Tried::new(SqlType::SmallDateTime, minutes.iter().map(|moment| smalldatetime(*moment)).collect())
            .totalling("min({c})::text", "1900-01-01 00:00:00")
            .totalling("max({c})::text", "2079-06-06 23:59:00");
    prove(&[vec![of_datetimes, of_minutes]]);
}

#[test]
fn instants_are_kept_and_their_offsets_where_a_column_is_there() {
    let mut random = Random::seeded(14);
    let mut offsets = vec![0, 840, -840, 60, -330, 345, 1, -1];
    let all: Vec<(Moment, i16)> = moments(14)
        .into_iter()
        .map(|moment| (moment, offsets.pop().unwrap_or_else(|| random.between(-840, 840) as i16)))
        // A day before the year 1 and one after 9999, in UTC.
        .chain([(FIRST, 840), (LAST, -840), (FIRST, -840), (LAST, 840), (FIRST, 1), (LAST, -1)])
        .collect();
    let mut columns = Vec::new();
    for scale in 0..=7u8 {
        let cells =
            |keeps| all.iter().map(move |(local, offset)| datetimeoffset(*local, *offset, scale, keeps));
        let sql_type = SqlType::DateTimeOffset { scale };
        let tried = Tried::new(sql_type.clone(), cells(false).chain([Cell::null()]).collect());
        let digits = usize::from(scale.min(6));
        let last = LAST.with_scale(scale).plus_minutes(840).utc_text(digits);
        columns.push(
            tried.totalling("min({c})::text", "0001-12-31 10:00:00+00 BC").totalling("max({c})::text", last),
        );
        let tried = Tried::new(sql_type.clone(), cells(true).chain([Cell::null()]).collect());
        columns.push(tried.wanting("timestamptz+offset").read_by(WITH_OFFSET));
        // The local moment that was written comes back from the two columns.
        let local = |(local, offset): &(Moment, i16)| {
            let cell = datetimeoffset(*local, *offset, scale, true);
            Cell { expected: Cell::kept(Owned::Null, local.with_scale(scale).text(digits)).expected, ..cell }
        };
        let tried = Tried::new(sql_type, all.iter().map(local).collect());
        columns.push(
            tried
                .wanting("timestamptz+offset")
                .read_by("(({c} at time zone 'UTC') + make_interval(mins => {c}_offset))::text"),
        );
    }
    prove(&[columns]);
}

#[test]
fn what_no_calendar_has_is_refused() {
    let moment = |days, ticks| Owned::DateTime2 { days, ticks };
    let instant = |days, offset_minutes| Owned::DateTimeOffset { days, ticks: 0, offset_minutes };
    let end = Moment { year: 10_000, ..FIRST }.days();
    let day = 864_000_000_000;
    let refused = |values: Vec<Owned>| values.into_iter().map(Cell::refused).collect();
    prove(&[
        vec![Tried::new(
            SqlType::Date,
            refused(vec![Owned::Date(-1), Owned::Date(end), Owned::Date(i32::MIN)]),
        )],
        vec![Tried::new(SqlType::Time { scale: 7 }, refused(vec![Owned::Time(day), Owned::Time(u64::MAX)]))],
        vec![Tried::new(
            SqlType::DateTime2 { scale: 7 },
            refused(vec![moment(-1, 0), moment(end, 0), moment(0, day), moment(i32::MAX, 0)]),
        )],
        vec![Tried::new(
            SqlType::DateTime,
            refused(vec![
                Owned::DateTime { days: -53_691, ticks: 0 },
                Owned::DateTime { days: 2_958_464, ticks: 0 },
                Owned::DateTime { days: 0, ticks: 25_920_000 },
            ]),
        )],
        vec![Tried::new(
            SqlType::DateTimeOffset { scale: 0 },
            refused(vec![instant(-2, 0), instant(end + 1, 0)]),
        )],
        vec![
            Tried::new(
                SqlType::DateTimeOffset { scale: 0 },
                refused(vec![instant(5, 841), instant(5, -841)]),
            )
            .wanting("timestamptz+offset"),
        ],
    ]);
}
