use kernel::text::{Line, search_key};
use serde::Serialize;

use super::country::{country_code, country_key};

/// Where a customer lives, as typed. Every part may be missing: customers come with what they have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Address {
    /// Street and number, or what stands for them.
    pub address_line1: Option<Line<255>>,
    /// Flat, floor, building.
    pub address_line2: Option<Line<255>>,
    /// City or town.
    pub city: Option<Line<100>>,
    /// State, province or department.
    pub state: Option<Line<100>>,
    /// Postal code.
    pub postal_code: Option<Line<20>>,
    /// Country as typed; see [`Address::country_code`].
    pub country: Option<Line<100>>,
}

impl Address {
    /// All parts that are there, from the first line to the country, with commas between.
    pub fn full_address(&self) -> String {
        let parts = [
            self.address_line1.as_ref().map(Line::as_str),
            self.address_line2.as_ref().map(Line::as_str),
            self.city.as_ref().map(Line::as_str),
            self.state.as_ref().map(Line::as_str),
            self.postal_code.as_ref().map(Line::as_str),
            self.country.as_ref().map(Line::as_str),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Two-letter code of the country, when the text names one.
    pub fn country_code(&self) -> Option<&'static str> {
        country_code(self.country.as_ref()?.as_str())
    }

    /// What filters compare, see [`country_key`].
    pub fn country_key(&self) -> Option<String> {
        self.country.as_ref().map(|country| country_key(country.as_str()))
    }

    /// The folded city, for filters.
    pub fn city_key(&self) -> Option<String> {
        self.city.as_ref().map(Line::key)
    }

    /// The folded state, for filters.
    pub fn state_key(&self) -> Option<String> {
        self.state.as_ref().map(Line::key)
    }

    /// The folded postal code without spaces and hyphens, for filters.
    pub fn postal_key(&self) -> Option<String> {
        self.postal_code.as_ref().map(|code| postal_key(code.as_str()))
    }
}

/// What postal codes are compared by: folded, without spaces and hyphens.
pub fn postal_key(text: &str) -> String {
    search_key(text).replace([' ', '-'], "")
}

#[cfg(test)]
mod tests {
    use kernel::TextValue;

    use super::*;

    fn address(parts: [&str; 6]) -> Address {
        let [line1, line2, city, state, postal, country] = parts;
        Address {
            address_line1: Line::parse(line1).ok(),
            address_line2: Line::parse(line2).ok(),
            city: Line::parse(city).ok(),
            state: Line::parse(state).ok(),
            postal_code: Line::parse(postal).ok(),
            country: Line::parse(country).ok(),
        }
    }

    #[test]
    fn the_full_address_leaves_out_what_is_missing() {
        let sample = address(["123 Main Street", "", "New York", "NY", "10001", "USA"]);
        assert_eq!(sample.full_address(), "123 Main Street, New York, NY, 10001, USA");
        assert_eq!(address(["", "", "", "", "", "USA"]).full_address(), "USA");
        assert_eq!(Address::default().full_address(), "");
    }

    #[test]
    fn spellings_of_a_place_have_one_key() {
        let one = address(["", "", "Bogotá", "D.C.", "SW1A 1AA", "United States"]);
        let two = address(["", "", "BOGOTA", "d.c.", "sw1a1aa", "usa"]);
        assert_eq!(one.country_code(), Some("US"));
        assert_eq!(one.country_key(), two.country_key());
        assert_eq!(one.city_key(), two.city_key());
        assert_eq!(one.state_key(), two.state_key());
        assert_eq!(one.postal_key(), two.postal_key());
        let nowhere = address(["", "", "", "", "", "Átlantis"]);
        assert_eq!((nowhere.country_code(), nowhere.country_key().as_deref()), (None, Some("atlantis")));
    }

    #[test]
    fn nulls_are_written_as_nulls() {
        let json = serde_json::to_value(address(["", "", "Lima", "", "", ""])).unwrap();
        assert_eq!(json["city"], "Lima");
        assert!(json["country"].is_null());
    }
}
