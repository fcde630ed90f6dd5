//! `sp_sequence_get_range`: values that are taken from a sequence.

use super::super::batch::Argument;
use super::super::language::cursor::Cursor;
use super::super::language::lexer::tokens;
use super::super::session::Session;
use super::property::text_of;
use crate::answer::Failure;

/// Runs `sp_sequence_get_range @sequence_name = …, @range_size = …`; what it gives out is not kept.
pub(in super::super) fn take_range(session: &mut Session, arguments: &[Argument]) -> Result<(), Failure> {
    session.check_write("ALTER")?;
    let mut given = |wanted: &str| {
        let named = |argument: &&Argument| {
            argument.name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
        };
        let missing = || {
            let text = format!("sp_sequence_get_range expects parameter '{wanted}', which was not supplied.");
            Failure::new(201, text)
        };
        let argument = arguments.iter().find(named).ok_or_else(missing)?;
        text_of(session, &argument.text)?.ok_or_else(missing)
    };
    let (name, size) = (given("@sequence_name")?, given("@range_size")?);
    let found = tokens(&name)?;
    let name = Cursor::new(&name, &found).object_name()?;
    let size: i128 = size.parse().ok().filter(|size| *size > 0).ok_or_else(|| {
        Failure::new(11732, format!("The requested range for sequence object '{name}' is not valid."))
    })?;
    session.change(|state| {
        let sequences = &mut state.catalog_mut().sequences;
        let sequence = sequences
            .iter_mut()
            .find(|known| known.name == name)
            .ok_or_else(|| Failure::new(208, format!("Invalid object name '{name}'.")))?;
        // A sequence of which nothing was taken tells its first value, which is then the first to be taken.
        let first = match sequence.current_value {
            Some(current) if current != sequence.start => current + sequence.increment,
            _ => sequence.start,
        };
        sequence.current_value = Some(first + sequence.increment * (size - 1));
        Ok(())
    })
}
