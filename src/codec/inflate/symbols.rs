//! The symbols of a block: literals and matches (RFC 1951 section 3.2.5).

use super::Damage;
use super::bits::Bits;
use super::entry::Entry;
use super::tables::Tables;
use super::window::{Made, Window};

/// Why decoding symbols stopped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    EndOfBlock,
    /// The next symbol is not there as a whole.
    NeedInput,
    /// The window has no room for the next symbol.
    Full,
}

/// Decodes as many symbols as there are and as there is room for. The stream begins at `start` in the window, or before
/// what is there.
pub(super) fn decode(bits: &mut Bits<'_>, window: &mut Window, start: usize, tables: &Tables) -> Result<Stop, Damage> {
    let mut made = window.made();
    let stop = loop {
        // Enough for one symbol, whatever it is.
        if bits.bytes_left() >= 24 {
            (*bits, made) = many(*bits, made, start, tables);
            bits.give_back();
        }
        if !made.has_room() {
            break Ok(Stop::Full);
        }
        match one(bits, &mut made, start, tables) {
            Ok(None) => {}
            Ok(Some(stop)) => break Ok(stop),
            Err(damage) => break Err(damage),
        }
    };
    let at = made.at;
    window.at = at;
    stop
}

/// Decodes symbols while input and room are plenty, up to one that is special or damaged.
///
/// What takes time here is that each code says where the next one begins, and branches that cannot be foreseen. So what is
/// next is looked up as early as possible, and what is found is put in place while that takes its time.
#[inline(never)]
fn many<'a, 'w>(bits: Bits<'a>, mut made: Made<'w>, start: usize, tables: &Tables) -> (Bits<'a>, Made<'w>) {
    // An argument would stay in memory.
    let mut bits = bits;
    let mut filled = bits.refill();
    let mut entry = tables.literals.short(bits.peek());
    // Of 56 bits, three literals leave 23, which are enough to look up the next. Two and a length leave 18.
    while filled && made.has_room() {
        if entry.is_literal() {
            made.push(entry.base());
            bits.drop(entry.bits_modulo_64());
            entry = tables.literals.short(bits.peek());
            if entry.is_literal() {
                made.push(entry.base());
                bits.drop(entry.bits_modulo_64());
                entry = tables.literals.short(bits.peek());
                if entry.is_literal() {
                    made.push(entry.base());
                    bits.drop(entry.bits_modulo_64());
                    entry = tables.literals.short(bits.peek());
                    filled = bits.refill();
                    continue;
                }
            }
        }
        if entry.is_special() {
            break;
        }
        let before = bits;
        let length = entry.value(bits.peek());
        bits.drop(entry.bits_modulo_64());
        let found = tables.distances.short(bits.peek());
        // 9 bits of code and 13 extra bits; seldom.
        let enough = bits.count() >= 22 || bits.refill();
        let distance = found.value(bits.peek());
        if !enough || found.is_special() || distance > made.at - start {
            bits = before;
            break;
        }
        bits.drop(found.bits_modulo_64());
        filled = bits.refill();
        entry = tables.literals.short(bits.peek());
        made.repeat(distance, length);
    }
    (bits, made)
}

/// Decodes one symbol that may not be there as a whole. Tells what stops it.
fn one(bits: &mut Bits<'_>, made: &mut Made<'_>, start: usize, tables: &Tables) -> Result<Option<Stop>, Damage> {
    bits.fill();
    let mut ahead = *bits;
    // Whether a code is there as a whole is known only when it was looked up.
    let value = |ahead: &mut Bits<'_>, entry: Entry| {
        let value = entry.value(ahead.peek());
        let whole = entry.bits() <= ahead.count();
        ahead.drop(if whole { entry.bits() } else { 0 });
        whole.then_some(value)
    };
    let entry = tables.literals.any(ahead.peek());
    let Some(length) = value(&mut ahead, entry) else { return Ok(Some(Stop::NeedInput)) };
    if entry.is_invalid() {
        return Err(Damage("invalid literal/length code"));
    }
    if entry.is_literal() {
        made.push(entry.base());
    } else if !entry.is_end_of_block() {
        let entry = tables.distances.any(ahead.peek());
        let Some(distance) = value(&mut ahead, entry) else { return Ok(Some(Stop::NeedInput)) };
        if entry.is_invalid() {
            return Err(Damage("invalid distance code"));
        }
        if distance > made.at - start {
            return Err(Damage("invalid distance too far back"));
        }
        made.repeat(distance, length);
    }
    *bits = ahead;
    Ok(entry.is_end_of_block().then_some(Stop::EndOfBlock))
}
