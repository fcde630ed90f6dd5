//! LOGIN7 (MS-TDS 2.2.6.4) and the answer to it.

use crate::answer::Failure;
use crate::conversation::{Conversation, LoginRequest};
use crate::wire::collation::Collation;
use crate::wire::link::{Link, invalid, kind};
use crate::wire::pages::decode_utf16;
use crate::wire::prelogin::{Begun, Encryption};
use crate::wire::tokens::{self, change, done, product_bytes};
use std::io;

/// What a client asks for that has nothing of its own.
const DEFAULT_PACKET_BYTES: u32 = 4096;

/// The least and the most; with encryption SQL Server goes no further than a record of TLS.
const LEAST_PACKET_BYTES: u32 = 512;
const MOST_PACKET_BYTES: u32 = 32_767;
const MOST_ENCRYPTED_PACKET_BYTES: u32 = 16_383;

/// TDS 7.4 and 8.0 as LOGIN7 has them.
const TDS_7_4: u32 = 0x7400_0004;
const TDS_8_0: u32 = 0x0800_0000;

mod feature {
    pub(super) const FEDAUTH: u8 = 0x02;
    pub(super) const UTF8: u8 = 0x0a;
    pub(super) const END: u8 = 0xff;
}

/// Libraries of FEDAUTH (MS-TDS 2.2.6.4).
const SECURITY_TOKEN: u8 = 0x01;
const ADAL: u8 = 0x02;

/// What came of a login.
pub(crate) struct Session {
    pub(crate) conversation: Box<dyn Conversation>,
    pub(crate) request: LoginRequest,
    pub(crate) takes_utf8: bool,
}

/// A login as it came.
struct Asked {
    request: LoginRequest,
    packet_bytes: u32,
    version: u32,
    features: Vec<(u8, Vec<u8>)>,
    by_system: bool,
}

/// Takes the login and answers it; none when the login failed: the client has been told, and the connection is to be
/// closed.
///
/// # Errors
/// When the message makes no sense, or the client is gone.
pub(crate) fn log_in(link: &mut Link, begun: Begun) -> io::Result<Option<Session>> {
    let message = link.receive()?;
    if message.kind != kind::LOGIN {
        return Err(invalid(format!("a message of kind {} in place of LOGIN7", message.kind)));
    }
    if begun.encryption == Encryption::LoginOnly {
        link.transport.stop_encrypting();
    }
    let mut asked = parse(&message.bytes).ok_or_else(|| invalid("a LOGIN7 that makes no sense"))?;
    if asked.version != TDS_7_4 && !(begun.is_strict && asked.version == TDS_8_0) {
        return Err(invalid(format!("TDS version {:#010x} is not spoken here", asked.version)));
    }
    link.wait_as_planned()?;
    if asked.by_system {
        let text = "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.";
        return refuse(link, &Failure { number: 18452, state: 1, class: 14, text: text.to_owned() });
    }
    let fedauth = asked.features.iter().find(|(id, _)| *id == feature::FEDAUTH).map(|(_, data)| data.clone());
    if let Some(data) = &fedauth {
        asked.request.by_token = true;
        asked.request.secret = match token_of(data)? {
            Some(token) => token,
            None => ask_for_token(link)?,
        };
    }
    let conversation = match link.server.engine.log_in(&asked.request) {
        Ok(conversation) => conversation,
        Err(failure) => return refuse(link, &failure),
    };
    let takes_utf8 = asked.features.iter().any(|(id, _)| *id == feature::UTF8);
    accept(link, &asked, conversation.as_ref(), takes_utf8, begun)?;
    Ok(Some(Session { conversation, request: asked.request, takes_utf8 }))
}

fn refuse(link: &mut Link, failure: &Failure) -> io::Result<Option<Session>> {
    let mut answer = Vec::new();
    tokens::put_error(failure, &mut answer);
    tokens::put_done(tokens::DONE, done::ERROR, 0, 0, &mut answer);
    link.begin(kind::ANSWER);
    link.put(&answer)?;
    link.end()?;
    Ok(None)
}

fn accept(
    link: &mut Link,
    asked: &Asked,
    conversation: &dyn Conversation,
    takes_utf8: bool,
    begun: Begun,
) -> io::Result<()> {
    let collation = Collation::named(conversation.collation()).map_err(invalid)?;
    let database = conversation.database();
    let most = if link.transport.is_encrypted() { MOST_ENCRYPTED_PACKET_BYTES } else { MOST_PACKET_BYTES };
    let wanted = if asked.packet_bytes == 0 { DEFAULT_PACKET_BYTES } else { asked.packet_bytes };
    let packet_bytes = wanted.clamp(LEAST_PACKET_BYTES, most);
    let mut answer = Vec::new();
    tokens::put_change(change::DATABASE, database, "master", &mut answer);
    tokens::put_info(5701, &format!("Changed database context to '{database}'."), &mut answer);
    tokens::put_change_bytes(change::COLLATION, &collation.bytes, &[], &mut answer);
    tokens::put_change(change::LANGUAGE, "us_english", "", &mut answer);
    tokens::put_info(5703, "Changed language setting to us_english.", &mut answer);
    let version = if begun.is_strict { TDS_8_0 } else { TDS_7_4 };
    tokens::put_login_ack(
        version.to_be_bytes(),
        product_bytes(&link.server.options.product_version),
        &mut answer,
    );
    let old = DEFAULT_PACKET_BYTES.to_string();
    tokens::put_change(change::PACKET_BYTES, &packet_bytes.to_string(), &old, &mut answer);
    let mut acks = Vec::new();
    if asked.request.by_token {
        acks.push((feature::FEDAUTH, Vec::new()));
    }
    if takes_utf8 {
        acks.push((feature::UTF8, vec![1]));
    }
    if !acks.is_empty() {
        tokens::put_feature_acks(&acks, &mut answer);
    }
    tokens::put_done(tokens::DONE, 0, 0, 0, &mut answer);
    link.begin(kind::ANSWER);
    link.put(&answer)?;
    link.end()?;
    link.set_packet_bytes(usize::try_from(packet_bytes).unwrap_or(4096));
    Ok(())
}

/// The token that came with the login; none when the client waits to be told where to get one.
fn token_of(data: &[u8]) -> io::Result<Option<String>> {
    let (options, rest) = data.split_first().ok_or_else(|| invalid("an empty FEDAUTH"))?;
    match options >> 1 {
        SECURITY_TOKEN => {
            let token = rest
                .split_first_chunk::<4>()
                .and_then(|(length, rest)| rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?));
            let token = token.ok_or_else(|| invalid("a token that is cut off"))?;
            decode_utf16(token).map(Some).map_err(invalid)
        }
        ADAL => Ok(None),
        library => Err(invalid(format!("library {library} of FEDAUTH is not known"))),
    }
}

fn ask_for_token(link: &mut Link) -> io::Result<String> {
    let mut answer = Vec::new();
    tokens::put_fedauth_info("https://login.example/tenant", "https://database.example/", &mut answer);
    link.begin(kind::ANSWER);
    link.put(&answer)?;
    link.end()?;
    let message = link.receive()?;
    if message.kind != kind::FEDAUTH {
        return Err(invalid(format!("a message of kind {} in place of a token", message.kind)));
    }
    let token = message.bytes.get(4..).and_then(|rest| {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        rest.get(..usize::try_from(u32::from_le_bytes(*length)).ok()?)
    });
    decode_utf16(token.ok_or_else(|| invalid("a token that is cut off"))?).map_err(invalid)
}

fn parse(message: &[u8]) -> Option<Asked> {
    let word =
        |offset: usize| message.get(offset..)?.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
    let half = |offset: usize| {
        message.get(offset..)?.first_chunk::<2>().map(|bytes| usize::from(u16::from_le_bytes(*bytes)))
    };
    let bytes = |place: usize| {
        let (offset, units) = (half(place)?, half(place + 2)?);
        message.get(offset..offset + units * 2)
    };
    let text = |place: usize| decode_utf16(bytes(place)?).ok();
    let password: Vec<u8> = bytes(44)?.iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect();
    let has_features = message.get(27)? & 0x10 != 0;
    let features = match has_features {
        true => parse_features(message, usize::try_from(word(half(56)?)?).ok()?)?,
        false => Vec::new(),
    };
    Some(Asked {
        request: LoginRequest {
            user: text(40)?,
            secret: decode_utf16(&password).ok()?,
            by_token: false,
            database: text(68)?,
        },
        packet_bytes: word(8)?,
        version: word(4)?,
        features,
        by_system: message.get(25)? & 0x80 != 0,
    })
}

fn parse_features(message: &[u8], offset: usize) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut rest = message.get(offset..)?;
    let mut features = Vec::new();
    loop {
        let (id, after) = rest.split_first()?;
        if *id == feature::END {
            return Some(features);
        }
        let (length, after) = after.split_first_chunk::<4>()?;
        let (data, after) = after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        features.push((*id, data.to_vec()));
        rest = after;
    }
}
