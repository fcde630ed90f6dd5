//! `geography` and `geometry` become EWKB or EWKT, the SRID kept.
//!
//! The bytes are SQL Server's own serialisation (MS-SSCLRT 2.1): points, figures that start at a
//! point, shapes that start at a figure and have a parent, and, in version 2, segments of compound
//! curves. `geography` stores latitude before longitude; EWKB and EWKT have x = longitude.
//!
//! Invariant: every count comes from foreign bytes and is checked against the bytes that are there
//! before anything is allocated.
//!
//! To extend: a shape is one arm in [`shape`], [`write_wkb`] and [`write_text`].

use super::Reject;

/// What the first of a point's two numbers is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axes {
    /// `geometry`.
    XThenY,
    /// `geography`.
    LatitudeThenLongitude,
}

/// A point; z and m are used only if the whole geometry has them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    x: f64,
    y: f64,
    z: f64,
    m: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Point(Option<Point>),
    Line(Vec<Point>),
    Arc(Vec<Point>),
    Polygon(Vec<Vec<Point>>),
    /// Lines and arcs, each starting where the one before ends.
    Compound(Vec<Shape>),
    /// Rings that are lines, arcs or compounds.
    CurvePolygon(Vec<Shape>),
    /// A multi-point, multi-line, multi-polygon or collection.
    Several(u32, Vec<Shape>),
}

struct Geometry {
    srid: i32,
    has_z: bool,
    has_m: bool,
    shape: Shape,
}

/// Appends EWKB: little-endian, the SRID unless it is 0, which is PostGIS's "none".
pub(super) fn put_ewkb(out: &mut Vec<u8>, bytes: &[u8], axes: Axes) -> Result<(), Reject> {
    let geometry = parse(bytes, axes)?;
    write_wkb(out, &geometry, &geometry.shape, true);
    Ok(())
}

/// EWKT as PostGIS writes it: `SRID=4326;POINT(1 2)`, `LINESTRINGM(…)`.
pub(super) fn ewkt(bytes: &[u8], axes: Axes) -> Result<String, Reject> {
    let geometry = parse(bytes, axes)?;
    let mut text = String::new();
    if geometry.srid != 0 {
        text.push_str(&format!("SRID={};", geometry.srid));
    }
    write_text(&mut text, &geometry, &geometry.shape, true);
    Ok(text)
}

fn broken() -> Reject {
    Reject::new("the bytes are not a geography or geometry")
}

const HAS_Z: u8 = 0x01;
const HAS_M: u8 = 0x02;
const SINGLE_POINT: u8 = 0x08;
const SINGLE_LINE: u8 = 0x10;

const POINT: u8 = 1;
const LINE_STRING: u8 = 2;
const POLYGON: u8 = 3;
const COLLECTION: u8 = 7;
const CIRCULAR_STRING: u8 = 8;
const COMPOUND_CURVE: u8 = 9;
const CURVE_POLYGON: u8 = 10;
const FULL_GLOBE: u8 = 11;

/// Figure attributes of version 2 that are not plain lines.
const ARC_FIGURE: u8 = 2;
const COMPOSITE_FIGURE: u8 = 3;

/// How deep collections may lie in each other.
const DEEPEST: usize = 64;

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Reject> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(broken)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Reject> {
        self.take(N)?.try_into().map_err(|_| broken())
    }

    fn byte(&mut self) -> Result<u8, Reject> {
        Ok(self.array::<1>()?[0])
    }

    fn int(&mut self) -> Result<i32, Reject> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// A number of items of `size` bytes each, all of which must be there.
    fn count(&mut self, size: usize) -> Result<usize, Reject> {
        let count = usize::try_from(u32::from_le_bytes(self.array()?)).map_err(|_| broken())?;
        let bytes = count.checked_mul(size).ok_or_else(broken)?;
        if bytes > self.rest.len() { Err(broken()) } else { Ok(count) }
    }

    fn doubles(&mut self, count: usize) -> Result<impl Iterator<Item = f64> + use<'a>, Reject> {
        let bytes = self.take(count.checked_mul(8).ok_or_else(broken)?)?;
        let double = |bytes: &[u8]| bytes.try_into().map_or(f64::NAN, f64::from_le_bytes);
        Ok(bytes.chunks_exact(8).map(double))
    }
}

/// The tables that a serialised geometry is made of.
struct Tables {
    version: u8,
    points: Vec<Point>,
    /// Attribute and first point.
    figures: Vec<(u8, usize)>,
    /// Parent, first figure (none: empty) and type.
    shapes: Vec<(i32, Option<usize>, u8)>,
    segments: Vec<u8>,
}

fn parse(bytes: &[u8], axes: Axes) -> Result<Geometry, Reject> {
    let mut reader = Reader { rest: bytes };
    let srid = reader.int()?;
    let version = reader.byte()?;
    let properties = reader.byte()?;
    if !(1..=2).contains(&version) {
        return Err(broken());
    }
    let has = |flag: u8| properties & flag != 0;
    let (has_z, has_m) = (has(HAS_Z), has(HAS_M));
    let shape = if has(SINGLE_POINT) || has(SINGLE_LINE) {
        let count = if has(SINGLE_POINT) { 1 } else { 2 };
        let points = points(&mut reader, count, has_z, has_m, axes)?;
        if has(SINGLE_POINT) { Shape::Point(points.first().copied()) } else { Shape::Line(points) }
    } else {
        let tables = tables(&mut reader, version, has_z, has_m, axes)?;
        let mut segment = 0;
        shape(&tables, 0, 0, &mut segment)?.0
    };
    if reader.rest.is_empty() { Ok(Geometry { srid, has_z, has_m, shape }) } else { Err(broken()) }
}

fn points(
    reader: &mut Reader<'_>,
    count: usize,
    has_z: bool,
    has_m: bool,
    axes: Axes,
) -> Result<Vec<Point>, Reject> {
    let mut points = Vec::new();
    let mut doubles = reader.doubles(count.checked_mul(2).ok_or_else(broken)?)?;
    while let (Some(first), Some(second)) = (doubles.next(), doubles.next()) {
        let (x, y) = match axes {
            Axes::XThenY => (first, second),
            Axes::LatitudeThenLongitude => (second, first),
        };
        points.push(Point { x, y, z: f64::NAN, m: f64::NAN });
    }
    if has_z {
        points.iter_mut().zip(reader.doubles(count)?).for_each(|(point, z)| point.z = z);
    }
    if has_m {
        points.iter_mut().zip(reader.doubles(count)?).for_each(|(point, m)| point.m = m);
    }
    Ok(points)
}

fn tables(
    reader: &mut Reader<'_>,
    version: u8,
    has_z: bool,
    has_m: bool,
    axes: Axes,
) -> Result<Tables, Reject> {
    let count = reader.count(16)?;
    let points = points(reader, count, has_z, has_m, axes)?;
    let mut figures = Vec::new();
    for _ in 0..reader.count(5)? {
        let attribute = reader.byte()?;
        figures.push((attribute, usize::try_from(reader.int()?).map_err(|_| broken())?));
    }
    let mut shapes = Vec::new();
    for _ in 0..reader.count(9)? {
        let parent = reader.int()?;
        let figure = match reader.int()? {
            -1 => None,
            figure => Some(usize::try_from(figure).map_err(|_| broken())?),
        };
        shapes.push((parent, figure, reader.byte()?));
    }
    let mut segments = Vec::new();
    // Version 2 leaves the segments out when there are none.
    if version == 2 && !reader.rest.is_empty() {
        let count = reader.count(1)?;
        segments.extend_from_slice(reader.take(count)?);
    }
    Ok(Tables { version, points, figures, shapes, segments })
}

/// The shape of a given index, and the index after it and its children. `segment` is the next
/// segment of compound curves that nobody has used: they stand in the order of the figures.
fn shape(tables: &Tables, index: usize, depth: usize, segment: &mut usize) -> Result<(Shape, usize), Reject> {
    let (_, _, kind) = *tables.shapes.get(index).ok_or_else(broken)?;
    if depth > DEEPEST {
        return Err(Reject::new("the collections lie too deep in each other"));
    }
    let figures = figures_of(tables, index)?;
    let one = || match figures.len() {
        0 => Ok(Vec::new()),
        1 => figure_points(tables, figures.start),
        _ => Err(broken()),
    };
    let made = match kind {
        POINT => Shape::Point(one()?.first().copied()),
        LINE_STRING => Shape::Line(one()?),
        CIRCULAR_STRING => Shape::Arc(one()?),
        POLYGON => {
            Shape::Polygon(figures.map(|figure| figure_points(tables, figure)).collect::<Result<_, _>>()?)
        }
        COMPOUND_CURVE => match figures.len() {
            0 => Shape::Compound(Vec::new()),
            1 => match curve(tables, figures.start, segment)? {
                compound @ Shape::Compound(_) => compound,
                single => Shape::Compound(vec![single]),
            },
            _ => return Err(broken()),
        },
        CURVE_POLYGON => {
            let rings = figures.map(|figure| curve(tables, figure, segment)).collect::<Result<_, _>>()?;
            Shape::CurvePolygon(rings)
        }
        4..=COLLECTION => {
            let mut members = Vec::new();
            let mut next = index + 1;
            while tables.shapes.get(next).is_some_and(|(parent, ..)| usize::try_from(*parent) == Ok(index)) {
                let (member, after) = shape(tables, next, depth + 1, segment)?;
                members.push(member);
                next = after;
            }
            return Ok((Shape::Several(u32::from(kind), members), next));
        }
        FULL_GLOBE => return Err(Reject::new("a FullGlobe has no counterpart in PostgreSQL")),
        _ => return Err(broken()),
    };
    Ok((made, index + 1))
}

/// The figures of a shape: from its first to the first of the next shape that has any.
fn figures_of(tables: &Tables, index: usize) -> Result<std::ops::Range<usize>, Reject> {
    let later = tables.shapes.get(index + 1..).unwrap_or_default();
    let Some((_, Some(first), _)) = tables.shapes.get(index).copied() else { return Ok(0..0) };
    let end = later.iter().find_map(|(_, figure, _)| *figure).unwrap_or(tables.figures.len());
    if first > end || end > tables.figures.len() { Err(broken()) } else { Ok(first..end) }
}

fn figure_points(tables: &Tables, figure: usize) -> Result<Vec<Point>, Reject> {
    let (_, first) = *tables.figures.get(figure).ok_or_else(broken)?;
    let end = tables.figures.get(figure + 1).map_or(tables.points.len(), |(_, first)| *first);
    Ok(tables.points.get(first..end).ok_or_else(broken)?.to_vec())
}

/// A figure as a curve: in version 2 its attribute says of what kind.
fn curve(tables: &Tables, figure: usize, segment: &mut usize) -> Result<Shape, Reject> {
    let points = figure_points(tables, figure)?;
    match tables.figures.get(figure) {
        Some((ARC_FIGURE, _)) if tables.version == 2 => Ok(Shape::Arc(points)),
        Some((COMPOSITE_FIGURE, _)) => compound(tables, &points, segment),
        _ => Ok(Shape::Line(points)),
    }
}

/// Segments: 0 a line, 1 an arc, 2 the first line of a run of lines, 3 the first arc of a run. A line
/// adds one point, an arc two.
fn compound(tables: &Tables, points: &[Point], segment: &mut usize) -> Result<Shape, Reject> {
    let mut parts: Vec<Shape> = Vec::new();
    let mut at = 0;
    while at + 1 < points.len() {
        let kind = *tables.segments.get(*segment).ok_or_else(broken)?;
        *segment += 1;
        let added = if kind % 2 == 0 { 1 } else { 2 };
        let ends = points.get(at + 1..at + 1 + added).ok_or_else(broken)?;
        let start = [*points.get(at).ok_or_else(broken)?];
        match (kind, parts.last_mut()) {
            (0, Some(Shape::Line(run))) | (1, Some(Shape::Arc(run))) => run.extend_from_slice(ends),
            (2, _) => parts.push(Shape::Line([&start, ends].concat())),
            (3, _) => parts.push(Shape::Arc([&start, ends].concat())),
            _ => return Err(broken()),
        }
        at += added;
    }
    Ok(Shape::Compound(parts))
}

impl Shape {
    /// The type's number in WKB; SQL Server's numbers are the same.
    fn code(&self) -> u32 {
        match self {
            Self::Point(_) => 1,
            Self::Line(_) => 2,
            Self::Polygon(_) => 3,
            Self::Several(code, _) => *code,
            Self::Arc(_) => 8,
            Self::Compound(_) => 9,
            Self::CurvePolygon(_) => 10,
        }
    }

    fn name(&self) -> &'static str {
        match self.code() {
            1 => "POINT",
            2 => "LINESTRING",
            3 => "POLYGON",
            4 => "MULTIPOINT",
            5 => "MULTILINESTRING",
            6 => "MULTIPOLYGON",
            8 => "CIRCULARSTRING",
            9 => "COMPOUNDCURVE",
            10 => "CURVEPOLYGON",
            _ => "GEOMETRYCOLLECTION",
        }
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    // Counts come from 32-bit counts or from points of 16 bytes each, so they fit.
    out.extend_from_slice(&(count as u32).to_le_bytes());
}

fn write_wkb(out: &mut Vec<u8>, geometry: &Geometry, shape: &Shape, outermost: bool) {
    const Z: u32 = 0x8000_0000;
    const M: u32 = 0x4000_0000;
    const SRID: u32 = 0x2000_0000;
    let with_srid = outermost && geometry.srid != 0;
    let mut code = shape.code();
    for (wanted, flag) in [(geometry.has_z, Z), (geometry.has_m, M), (with_srid, SRID)] {
        if wanted {
            code |= flag;
        }
    }
    out.push(1);
    out.extend_from_slice(&code.to_le_bytes());
    if with_srid {
        out.extend_from_slice(&geometry.srid.to_le_bytes());
    }
    match shape {
        // WKB has no empty point; PostGIS writes one of NaNs.
        Shape::Point(point) => {
            let empty = Point { x: f64::NAN, y: f64::NAN, z: f64::NAN, m: f64::NAN };
            put_point(out, geometry, &point.unwrap_or(empty));
        }
        Shape::Line(points) | Shape::Arc(points) => put_points(out, geometry, points),
        Shape::Polygon(rings) => {
            put_count(out, rings.len());
            rings.iter().for_each(|ring| put_points(out, geometry, ring));
        }
        Shape::Compound(members) | Shape::CurvePolygon(members) | Shape::Several(_, members) => {
            put_count(out, members.len());
            members.iter().for_each(|member| write_wkb(out, geometry, member, false));
        }
    }
}

fn put_points(out: &mut Vec<u8>, geometry: &Geometry, points: &[Point]) {
    put_count(out, points.len());
    points.iter().for_each(|point| put_point(out, geometry, point));
}

fn put_point(out: &mut Vec<u8>, geometry: &Geometry, point: &Point) {
    ordinates(geometry, point).for_each(|ordinate| out.extend_from_slice(&ordinate.to_le_bytes()));
}

fn ordinates(geometry: &Geometry, point: &Point) -> impl Iterator<Item = f64> + use<> {
    let z = geometry.has_z.then_some(point.z);
    let m = geometry.has_m.then_some(point.m);
    [point.x, point.y].into_iter().chain(z).chain(m)
}

fn write_text(text: &mut String, geometry: &Geometry, shape: &Shape, named: bool) {
    if named {
        text.push_str(shape.name());
        // PostGIS marks only M alone: the number of ordinates tells the rest.
        if geometry.has_m && !geometry.has_z {
            text.push('M');
        }
    }
    let empty = match shape {
        Shape::Point(point) => point.is_none(),
        Shape::Line(points) | Shape::Arc(points) => points.is_empty(),
        Shape::Polygon(rings) => rings.is_empty(),
        Shape::Compound(members) | Shape::CurvePolygon(members) | Shape::Several(_, members) => {
            members.is_empty()
        }
    };
    if empty {
        text.push_str(if named { " EMPTY" } else { "EMPTY" });
        return;
    }
    match shape {
        Shape::Point(point) => write_points(text, geometry, point.as_slice()),
        Shape::Line(points) | Shape::Arc(points) => write_points(text, geometry, points),
        Shape::Polygon(rings) => listed(text, rings, |text, ring| write_points(text, geometry, ring)),
        // Lines in curves, and members of one kind, go without their names.
        Shape::Compound(members) | Shape::CurvePolygon(members) => {
            listed(text, members, |text, member| {
                write_text(text, geometry, member, !matches!(member, Shape::Line(_)));
            });
        }
        Shape::Several(code, members) => {
            let named = *code == u32::from(COLLECTION);
            listed(text, members, |text, member| write_text(text, geometry, member, named));
        }
    }
}

fn listed<T>(text: &mut String, items: &[T], mut write: impl FnMut(&mut String, &T)) {
    text.push('(');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(')');
}

fn write_points(text: &mut String, geometry: &Geometry, points: &[Point]) {
    listed(text, points, |text, point| {
        let ordinates: Vec<String> =
            ordinates(geometry, point).map(|ordinate| ordinate.to_string()).collect();
        text.push_str(&ordinates.join(" "));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Serialises tables as SQL Server does.
    fn serialise(
        header: (i32, u8, u8),
        points: &[[f64; 2]],
        figures: &[(u8, i32)],
        shapes: &[(i32, i32, u8)],
        segments: Option<&[u8]>,
    ) -> Vec<u8> {
        let mut bytes = header.0.to_le_bytes().to_vec();
        bytes.extend([header.1, header.2]);
        bytes.extend((points.len() as u32).to_le_bytes());
        points.iter().flatten().for_each(|double| bytes.extend(double.to_le_bytes()));
        bytes.extend((figures.len() as u32).to_le_bytes());
        for (attribute, first) in figures {
            bytes.push(*attribute);
            bytes.extend(first.to_le_bytes());
        }
        bytes.extend((shapes.len() as u32).to_le_bytes());
        for (parent, figure, kind) in shapes {
            bytes.extend(parent.to_le_bytes());
            bytes.extend(figure.to_le_bytes());
            bytes.push(*kind);
        }
        if let Some(segments) = segments {
            bytes.extend((segments.len() as u32).to_le_bytes());
            bytes.extend(segments);
        }
        bytes
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn single(srid: i32, properties: u8, doubles: &[f64]) -> Vec<u8> {
        let mut bytes = srid.to_le_bytes().to_vec();
        bytes.extend([1, properties]);
        doubles.iter().for_each(|double| bytes.extend(double.to_le_bytes()));
        bytes
    }

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(ewkt(bytes, Axes::XThenY).expect("a geometry"), expected);
        // EWKB of the same must be writable; its bytes are checked one by one below.
        put_ewkb(&mut Vec::new(), bytes, Axes::XThenY).expect("a geometry");
    }

    #[test]
    fn a_geography_point_has_longitude_first() {
        let bytes = single(4326, 0x0C, &[47.5, -122.25]);
        assert_eq!(
            ewkt(&bytes, Axes::LatitudeThenLongitude).expect("a point"),
            "SRID=4326;POINT(-122.25 47.5)"
        );
        let mut out = Vec::new();
        put_ewkb(&mut out, &bytes, Axes::LatitudeThenLongitude).expect("a point");
        assert_eq!(hex(&out), "0101000020e61000000000000000905ec00000000000c04740");
    }

    #[test]
    fn single_points_and_lines_have_z_and_m() {
        check(&single(0, 0x0D, &[1.0, 2.0, 3.0]), "POINT(1 2 3)");
        check(&single(0, 0x0E, &[1.0, 2.0, 4.0]), "POINTM(1 2 4)");
        check(&single(0, 0x0F, &[1.0, 2.0, 3.0, 4.0]), "POINT(1 2 3 4)");
        check(&single(7, 0x14, &[0.0, 0.5, 1.0, -1e-7]), "SRID=7;LINESTRING(0 0.5,1 -0.0000001)");
        check(&single(0, 0x15, &[0.0, 1.0, 2.0, 3.0, 8.0, 9.0]), "LINESTRING(0 1 8,2 3 9)");
        let mut out = Vec::new();
        put_ewkb(&mut out, &single(0, 0x0E, &[1.0, 2.0, 4.0]), Axes::XThenY).expect("a point");
        assert_eq!(hex(&out), "0101000040000000000000f03f00000000000000400000000000001040");
    }

    #[test]
    fn shapes_of_many_figures_are_written() {
        let square = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 0.0]];
        let hole = [[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 1.0]];
        let both = [square, hole].concat();
        let bytes = serialise((0, 1, 4), &both, &[(2, 0), (0, 4)], &[(-1, 0, 3)], None);
        check(&bytes, "POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))");
        let mut out = Vec::new();
        put_ewkb(&mut out, &bytes, Axes::XThenY).expect("a polygon");
        assert_eq!(out.len(), 1 + 4 + 4 + 2 * 4 + 8 * 16);
        assert_eq!(hex(&out[..13]), "01030000000200000004000000");

        let shapes = [(-1, 0, 6), (0, 0, 3), (0, 1, 3)];
        let bytes = serialise((4326, 1, 4), &both, &[(2, 0), (2, 4)], &shapes, None);
        check(&bytes, "SRID=4326;MULTIPOLYGON(((0 0,4 0,4 4,0 0)),((1 1,2 1,2 2,1 1)))");

        let shapes = [(-1, 0, 4), (0, 0, 1), (0, 1, 1)];
        let bytes = serialise((0, 1, 4), &[[1.0, 2.0], [3.0, 4.0]], &[(1, 0), (1, 1)], &shapes, None);
        check(&bytes, "MULTIPOINT((1 2),(3 4))");
        let mut out = Vec::new();
        put_ewkb(&mut out, &bytes, Axes::XThenY).expect("points");
        let expected = "0104000000020000000101000000000000000000f03f0000000000000040010100000000000000000008400000000000001040";
        assert_eq!(hex(&out), expected);

        let shapes = [(-1, 0, 7), (0, 0, 1), (0, 1, 7), (2, 1, 2), (2, -1, 3), (0, 2, 2)];
        let points = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 9.0]];
        let bytes = serialise((0, 1, 4), &points, &[(1, 0), (1, 1), (1, 3)], &shapes, None);
        check(
            &bytes,
            "GEOMETRYCOLLECTION(POINT(1 2),GEOMETRYCOLLECTION(LINESTRING(3 4,5 6),POLYGON EMPTY),LINESTRING(7 8,9 9))",
        );
    }

    #[test]
    fn empty_shapes_are_written() {
        let empty = |kind| serialise((4326, 1, 4), &[], &[], &[(-1, -1, kind)], None);
        check(&empty(1), "SRID=4326;POINT EMPTY");
        check(&empty(2), "SRID=4326;LINESTRING EMPTY");
        check(&empty(3), "SRID=4326;POLYGON EMPTY");
        check(&empty(7), "SRID=4326;GEOMETRYCOLLECTION EMPTY");
        let mut out = Vec::new();
        put_ewkb(&mut out, &empty(3), Axes::XThenY).expect("empty");
        assert_eq!(hex(&out), "0103000020e610000000000000");
    }

    #[test]
    fn curves_of_version_2_are_written() {
        let points = [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0]];
        let bytes = serialise((0, 2, 4), &points[..3], &[(2, 0)], &[(-1, 0, 8)], None);
        check(&bytes, "CIRCULARSTRING(0 0,1 1,2 0)");
        let bytes = serialise((0, 2, 4), &points, &[(3, 0)], &[(-1, 0, 9)], Some(&[3, 2, 0]));
        check(&bytes, "COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,2 0),(2 0,3 0,4 0))");
        let ring = [[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [1.0, -1.0], [0.0, 0.0]];
        let bytes = serialise((0, 2, 4), &ring, &[(2, 0)], &[(-1, 0, 10)], None);
        check(&bytes, "CURVEPOLYGON(CIRCULARSTRING(0 0,1 1,2 0,1 -1,0 0))");
        let bytes = serialise((0, 2, 4), &ring, &[(3, 0)], &[(-1, 0, 10)], Some(&[3, 2, 0]));
        check(&bytes, "CURVEPOLYGON(COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,2 0),(2 0,1 -1,0 0)))");
    }

    #[test]
    fn what_cannot_be_written_is_rejected() {
        let check = |bytes: &[u8]| assert!(ewkt(bytes, Axes::XThenY).is_err(), "{bytes:02x?}");
        check(&[]);
        check(&single(0, 0x0C, &[1.0]));
        check(&single(0, 0x0C, &[1.0, 2.0, 3.0]));
        check(&serialise((0, 2, 0x24), &[], &[], &[(-1, -1, 11)], None));
        check(&serialise((0, 3, 4), &[], &[], &[(-1, -1, 1)], None));
        check(&serialise((0, 1, 4), &[], &[(1, 5)], &[(-1, 0, 2)], None));
        check(&serialise((0, 1, 4), &[], &[], &[], None));
        check(&[0, 0, 0, 0, 1, 4, 0xFF, 0xFF, 0xFF, 0x7F]);
    }

    proptest! {
        #[test]
        fn foreign_bytes_never_panic(
            version in 1u8..3,
            properties in 0u8..64,
            rest in proptest::collection::vec(prop_oneof![3 => 0u8..12, 1 => any::<u8>()], 0..120),
        ) {
            let mut bytes = vec![0, 0, 0, 0, version, properties];
            bytes.extend(rest);
            let _ = ewkt(&bytes, Axes::XThenY);
            let _ = put_ewkb(&mut Vec::new(), &bytes, Axes::LatitudeThenLongitude);
        }
    }
}
