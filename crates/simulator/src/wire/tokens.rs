//! The small tokens of an answer (MS-TDS 2.2.7): DONE, ERROR, INFO, ENVCHANGE, LOGINACK and the like.

use crate::answer::Failure;
use crate::wire::form::{put_short_text, put_text};

/// Bits of a DONE's status (MS-TDS 2.2.7.6).
pub(crate) mod done {
    pub(crate) const MORE: u16 = 0x0001;
    pub(crate) const ERROR: u16 = 0x0002;
    pub(crate) const COUNT: u16 = 0x0010;
    pub(crate) const ATTENTION: u16 = 0x0020;
}

/// Tokens that end something.
pub(crate) const DONE: u8 = 0xfd;
pub(crate) const DONE_PROC: u8 = 0xfe;
pub(crate) const DONE_IN_PROC: u8 = 0xff;

/// The command that a DONE ends when it is a query.
pub(crate) const SELECT: u16 = 0x00c1;

/// Types of ENVCHANGE (MS-TDS 2.2.7.9).
pub(crate) mod change {
    pub(crate) const DATABASE: u8 = 1;
    pub(crate) const LANGUAGE: u8 = 2;
    pub(crate) const PACKET_BYTES: u8 = 4;
    pub(crate) const COLLATION: u8 = 7;
    pub(crate) const BEGIN: u8 = 8;
    pub(crate) const COMMIT: u8 = 9;
    pub(crate) const ROLLBACK: u8 = 10;
    pub(crate) const RESET: u8 = 18;
}

/// A DONE token of that kind.
pub(crate) fn put_done(token: u8, status: u16, command: u16, rows: u64, out: &mut Vec<u8>) {
    out.push(token);
    out.extend_from_slice(&status.to_le_bytes());
    out.extend_from_slice(&command.to_le_bytes());
    out.extend_from_slice(&rows.to_le_bytes());
}

/// An ERROR token.
pub(crate) fn put_error(failure: &Failure, out: &mut Vec<u8>) {
    put_message(0xaa, failure, out);
}

/// An INFO token.
pub(crate) fn put_info(number: i32, text: &str, out: &mut Vec<u8>) {
    let failure = Failure { number, state: 1, class: 0, text: text.to_owned() };
    put_message(0xab, &failure, out);
}

fn put_message(token: u8, failure: &Failure, out: &mut Vec<u8>) {
    let Failure { number, state, class, text } = failure;
    let mut body = number.to_le_bytes().to_vec();
    body.extend([*state, *class]);
    // A token has two bytes for its length.
    let text: String = text.chars().take(8000).collect();
    put_text(&text, &mut body);
    put_short_text("SIMULATOR", &mut body);
    put_short_text("", &mut body);
    body.extend_from_slice(&1_u32.to_le_bytes());
    put_body(token, &body, out);
}

fn put_body(token: u8, body: &[u8], out: &mut Vec<u8>) {
    out.push(token);
    out.extend_from_slice(&u16::try_from(body.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(body);
}

/// An ENVCHANGE of text.
pub(crate) fn put_change(kind: u8, new: &str, old: &str, out: &mut Vec<u8>) {
    let mut body = vec![kind];
    put_short_text(new, &mut body);
    put_short_text(old, &mut body);
    put_body(0xe3, &body, out);
}

/// An ENVCHANGE of bytes.
pub(crate) fn put_change_bytes(kind: u8, new: &[u8], old: &[u8], out: &mut Vec<u8>) {
    let mut body = vec![kind];
    for part in [new, old] {
        body.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
        body.extend_from_slice(part);
    }
    put_body(0xe3, &body, out);
}

/// LOGINACK: that TDS version, and `Microsoft SQL Server` of that product version.
pub(crate) fn put_login_ack(tds_version: [u8; 4], product: [u8; 6], out: &mut Vec<u8>) {
    let mut body = vec![1];
    body.extend_from_slice(&tds_version);
    put_short_text("Microsoft SQL Server", &mut body);
    let [major, minor, build_high, build_low, _, _] = product;
    body.extend([major, minor, build_high, build_low]);
    put_body(0xad, &body, out);
}

/// FEATUREEXTACK: the features that the server knows, with what it says about each.
pub(crate) fn put_feature_acks(acks: &[(u8, Vec<u8>)], out: &mut Vec<u8>) {
    out.push(0xae);
    for (id, data) in acks {
        out.push(*id);
        out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(data);
    }
    out.push(0xff);
}

/// FEDAUTHINFO: where to get a token, and for what (MS-TDS 2.2.7.12).
pub(crate) fn put_fedauth_info(authority: &str, resource: &str, out: &mut Vec<u8>) {
    let parts: Vec<Vec<u8>> = [authority, resource]
        .iter()
        .map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect())
        .collect();
    let mut body = 2_u32.to_le_bytes().to_vec();
    let mut offset = 4 + 2 * 9;
    for (id, part) in (1_u8..).zip(&parts) {
        body.push(id);
        body.extend_from_slice(&u32::try_from(part.len()).unwrap_or(0).to_le_bytes());
        body.extend_from_slice(&u32::try_from(offset).unwrap_or(0).to_le_bytes());
        offset += part.len();
    }
    parts.iter().for_each(|part| body.extend_from_slice(part));
    out.push(0xee);
    out.extend_from_slice(&u32::try_from(body.len()).unwrap_or(0).to_le_bytes());
    out.extend_from_slice(&body);
}

/// RETURNSTATUS.
pub(crate) fn put_return_status(value: i32, out: &mut Vec<u8>) {
    out.push(0x79);
    out.extend_from_slice(&value.to_le_bytes());
}

/// RETURNVALUE of an `int` output parameter (MS-TDS 2.2.7.19).
pub(crate) fn put_return_int(ordinal: u16, name: &str, value: i32, out: &mut Vec<u8>) {
    out.push(0xac);
    out.extend_from_slice(&ordinal.to_le_bytes());
    put_short_text(name, out);
    out.push(1);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&[0, 0, 0x26, 4, 4]);
    out.extend_from_slice(&value.to_le_bytes());
}

/// Major, minor, build and revision as PRELOGIN has them: build and revision with the high byte first.
pub(crate) fn product_bytes(version: &str) -> [u8; 6] {
    let mut parts = version.split('.').map(|part| part.parse::<u16>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    let (major, minor, build, revision) = (next(), next(), next(), next());
    let [build_high, build_low] = build.to_be_bytes();
    let [revision_high, revision_low] = revision.to_be_bytes();
    let [_, major] = major.to_be_bytes();
    let [_, minor] = minor.to_be_bytes();
    [major, minor, build_high, build_low, revision_high, revision_low]
}
