//! Who the customers are: person number `n` is the same in every run and on every machine, so figures of
//! two runs are about the same data, and a load worker knows an id without asking the database.

use std::sync::LazyLock;

use kernel::text::search_key;
use uuid::Uuid;

/// The tags in use: of 30, 10 and 1 in a hundred customers.
pub const TAGS: [&str; 3] = ["premium", "tech", "new york"];
/// Number of microseconds between two creations, so that a million customers span about two years.
const STEP_MICROS: i64 = 60_000_000;
/// 2023-01-01T00:00:00Z in microseconds.
const FIRST_MICROS: i64 = 1_672_531_200_000_000;
/// An odd factor: multiplication modulo 2^32 then gives every number its own customer id, in no order.
pub const ID_FACTOR: u64 = 2_654_435_761;

static FIRST: LazyLock<Vec<&str>> = LazyLock::new(|| words(include_str!("../names/first_names.txt")));
static LAST: LazyLock<Vec<&str>> = LazyLock::new(|| words(include_str!("../names/last_names.txt")));
static PLACES: LazyLock<Vec<Place>> = LazyLock::new(|| places(include_str!("../names/cities.txt")));

fn words(text: &'static str) -> Vec<&'static str> {
    text.split_whitespace().collect()
}

fn places(text: &'static str) -> Vec<Place> {
    let parse = |line: &'static str| {
        let mut parts = line.split('|');
        Some(Place {
            city: parts.next()?,
            state: parts.next()?,
            country: parts.next()?,
            country_code: parts.next()?,
            postal_prefix: parts.next()?,
            phone_prefix: parts.next()?,
        })
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(parse).collect()
}

/// One city with what belongs to addresses in it.
pub struct Place {
    pub city: &'static str,
    pub state: &'static str,
    /// As people type it; several spellings of one country occur.
    pub country: &'static str,
    /// ISO 3166, two letters.
    pub country_code: &'static str,
    postal_prefix: &'static str,
    phone_prefix: &'static str,
}

/// A small generator (`SplitMix64`): the same seed gives the same numbers everywhere.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `bound - 1`; the bias of the remainder does not matter here.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let len = u64::try_from(items.len()).unwrap_or(1);
        &items[usize::try_from(self.below(len)).unwrap_or(0)]
    }
}

/// A person with address: what seeding writes and what `create` sends.
pub struct Person {
    pub first_name: &'static str,
    pub last_name: &'static str,
    /// Unique: it contains the number.
    pub email: String,
    /// With `+` and country code.
    pub phone: String,
    pub place: &'static Place,
    pub address_line1: String,
    pub postal_code: String,
    /// `YYYY-MM-DD`.
    pub date_of_birth: String,
    pub gender: Option<&'static str>,
    pub company_name: Option<String>,
    /// One of three, from the tag of every third customer to one that few have; most customers have none.
    pub tag: Option<&'static str>,
    pub marketing_emails: bool,
    pub is_verified: bool,
    pub total_services: i64,
    /// Microseconds since 1970.
    pub created_at: i64,
    pub id: Uuid,
    pub user_id: Uuid,
    pub event_id: Uuid,
}

impl Person {
    /// Person number `n`.
    pub fn number(n: u64) -> Person {
        let mut dice = Dice::new(n.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5eed);
        let first_name = dice.pick(&FIRST);
        let last_name = dice.pick(&LAST);
        let place = dice.pick(&PLACES);
        let digits =
            10_u64.pow(u32::try_from(12_usize.saturating_sub(place.phone_prefix.len()).min(8)).unwrap_or(4));
        let phone = format!(
            "+{}{:0width$}",
            place.phone_prefix,
            dice.below(digits),
            width = digits.ilog10() as usize
        );
        let created_at = created_at(n) + i64::try_from(dice.below(999_999)).unwrap_or(0);
        Person {
            first_name,
            last_name,
            email: format!(
                "{}.{}{n}@{}.example",
                ascii(first_name),
                ascii(last_name),
                ["mail", "post", "home", "work"][usize::try_from(n % 4).unwrap_or(0)]
            ),
            phone,
            place,
            address_line1: format!("{} {} Street", 1 + dice.below(999), dice.pick(&LAST)),
            postal_code: format!("{}{:02}", place.postal_prefix, dice.below(100)),
            date_of_birth: format!(
                "{}-{:02}-{:02}",
                1940 + dice.below(65),
                1 + dice.below(12),
                1 + dice.below(28)
            ),
            gender: [None, Some("female"), Some("male"), Some("other")]
                [usize::try_from(dice.below(4)).unwrap_or(0)],
            company_name: (dice.below(8) == 0).then(|| format!("{last_name} & Co.")),
            tag: match n % 100 {
                0 => Some(TAGS[2]),
                1..=10 => Some(TAGS[1]),
                11..=40 => Some(TAGS[0]),
                _ => None,
            },
            marketing_emails: dice.below(2) == 0,
            is_verified: dice.below(3) != 0,
            total_services: i64::try_from(dice.below(12)).unwrap_or(0),
            created_at,
            id: uuid(created_at, &mut dice),
            user_id: uuid(created_at, &mut dice),
            event_id: uuid(created_at, &mut dice),
        }
    }
}

/// A name as it stands in an address; one of another script stands there as `person`.
fn ascii(name: &str) -> String {
    let letters: String = search_key(name).chars().filter(char::is_ascii_alphanumeric).collect();
    if letters.is_empty() { "person".to_owned() } else { letters }
}

/// When person `n` was created, in microseconds since 1970, to the minute.
pub fn created_at(n: u64) -> i64 {
    FIRST_MICROS + i64::try_from(n).unwrap_or(0) * STEP_MICROS
}

/// The public id of person `n`: `CUST_` and 8 upper-case hexadecimal digits.
pub fn customer_id(n: u64) -> String {
    format!("CUST_{:08X}", n.wrapping_mul(ID_FACTOR) & 0xffff_ffff)
}

fn uuid(micros: i64, dice: &mut Dice) -> Uuid {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&dice.next().to_le_bytes());
    random[8..].copy_from_slice(&dice.next().to_le_bytes()[..2]);
    uuid::Builder::from_unix_timestamp_millis(u64::try_from(micros / 1000).unwrap_or(0), &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_same_number_is_the_same_person() {
        let (a, b) = (Person::number(77), Person::number(77));
        assert_eq!((a.id, a.first_name, a.phone), (b.id, b.first_name, b.phone));
        assert_ne!(a.id, a.user_id);
        assert_eq!(a.id.get_version_num(), 7);
    }

    #[test]
    fn what_must_be_unique_is() {
        let mut seen = HashSet::new();
        for n in 0..5000 {
            let person = Person::number(n);
            assert!(
                seen.insert(person.email)
                    && seen.insert(customer_id(n))
                    && seen.insert(person.id.to_string())
            );
        }
    }

    #[test]
    fn lists_are_read_whole() {
        assert_eq!((FIRST.len(), LAST.len(), PLACES.len()), (300, 500, 41));
        assert_eq!(customer_id(1), "CUST_9E3779B1");
    }
}
