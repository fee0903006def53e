//! What a code stands for (RFC 1951 section 3.2.5).

/// As many symbols as the largest alphabet has.
pub(super) const SYMBOLS: usize = 288;

/// What a code stands for.
///
/// | bits | |
/// | --- | --- |
/// | 0 to 5 | the code and the extra bits after it, together |
/// | 6, 7 | [`SPECIAL`](Self::SPECIAL), [`LITERAL`](Self::LITERAL) |
/// | 8 to 13 | 63 less the extra bits |
/// | 16 to 31 | the literal, or what the extra bits are added to, or which special entry it is |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry(u32);

impl Entry {
    const SPECIAL: u32 = 1 << 6;
    const LITERAL: u32 = 1 << 7;

    pub(super) const END_OF_BLOCK: Self = Self::new(0, 0, Self::SPECIAL);
    /// No code, or a symbol that must not occur.
    pub(super) const INVALID: Self = Self::new(1, 0, Self::SPECIAL);
    /// A code with more bits than the table knows.
    pub(super) const LONG: Self = Self::new(2, 0, Self::SPECIAL);

    const fn new(base: u16, extra: u32, flags: u32) -> Self {
        Self(extra | flags | (63 - extra) << 8 | (base as u32) << 16)
    }

    /// Returns the entry with the length of its code.
    pub(super) const fn coded(self, length: u32) -> Self {
        Self(self.0 + length)
    }

    #[inline(always)]
    pub(super) fn is_literal(self) -> bool {
        self.0 & Self::LITERAL != 0
    }

    #[inline(always)]
    pub(super) fn is_special(self) -> bool {
        self.0 & Self::SPECIAL != 0
    }

    #[inline(always)]
    fn is(self, special: Self) -> bool {
        self.0 >> 16 == special.0 >> 16
    }

    pub(super) fn is_end_of_block(self) -> bool {
        self.is_special() && self.is(Self::END_OF_BLOCK)
    }

    pub(super) fn is_invalid(self) -> bool {
        self.is_special() && self.is(Self::INVALID)
    }

    pub(super) fn is_long(self) -> bool {
        self.is_special() && self.is(Self::LONG)
    }

    /// Returns how many bits the code takes, with its extra bits.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 & 63
    }

    /// Returns the same modulo 64, for nothing.
    #[inline(always)]
    pub(super) fn bits_modulo_64(self) -> u32 {
        self.0
    }

    #[inline(always)]
    pub(super) fn base(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Returns what code and extra bits say, which `bits` begin with.
    #[inline(always)]
    pub(super) fn value(self, bits: u64) -> usize {
        // The extra bits are the last ones, so they come to the top.
        let extra = bits.rotate_right(self.0 & 63) >> 1 >> (self.0 >> 8 & 63);
        usize::from(self.base()) + extra as usize
    }
}

/// The entries of literals and lengths without their codes.
pub(super) static LITERALS: [Entry; SYMBOLS] = {
    let mut entries = [Entry::INVALID; SYMBOLS];
    let mut literal = 0;
    while literal < 256 {
        entries[literal] = Entry::new(literal as u16, 0, Entry::LITERAL);
        literal += 1;
    }
    entries[256] = Entry::END_OF_BLOCK;
    let (mut symbol, mut base) = (257, 3);
    while symbol < 285 {
        let extra = if symbol < 265 { 0 } else { (symbol - 261) / 4 };
        entries[symbol] = Entry::new(base, extra as u32, 0);
        base += 1 << extra;
        symbol += 1;
    }
    // Not 227 and 5 extra bits, as the others would have it.
    entries[285] = Entry::new(258, 0, 0);
    entries
};

/// The entries of distances without their codes.
pub(super) static DISTANCES: [Entry; 32] = {
    let mut entries = [Entry::INVALID; 32];
    let (mut symbol, mut base) = (0, 1);
    while symbol < 30 {
        let extra = if symbol < 4 { 0 } else { symbol / 2 - 1 };
        entries[symbol] = Entry::new(base, extra as u32, 0);
        base += 1 << extra;
        symbol += 1;
    }
    entries
};

/// The entries of code lengths, which are the symbols themselves.
pub(super) static LENGTHS: [Entry; 19] = {
    let mut entries = [Entry::INVALID; 19];
    let mut symbol = 0;
    while symbol < 19 {
        entries[symbol] = Entry::new(symbol as u16, 0, 0);
        symbol += 1;
    }
    entries
};
