//! What is read without a server: files of the first version, and the texts that values are made of.

use std::collections::BTreeSet;
use std::io::Cursor;

use customers::customer::model::{Tags, country_code, postal_key};
use customers::search::model::query::Query;
use identity::secrets::{ApiKeySecret, DeviceToken, RefreshToken};
use identity::tokens::model::Verifier;
use identity::users::model::{Email, PersonName, Phone, UniqueId, Username, username_base};
use kernel::TextValue;
use kernel::text::search_key;
use migrate_v1::model::record::{OldCustomer, OldUser};
use migrate_v1::model::report::Kind;
use migrate_v1::read::{map, records};

use crate::input::{Bytes, bytes, corpus, text};
use crate::run::run;

/// Reads a file as the migration does; every record costs at least a byte, so there is an end.
fn migrate(name: &str, file: &[u8]) {
    for kind in [Kind::Customer, Kind::User] {
        let Ok(all) = records(name, Cursor::new(file.to_vec()), kind, None) else { continue };
        let mut ignored = BTreeSet::new();
        let mut read = 0;
        for record in all {
            read += 1;
            assert!(read <= file.len() + 1, "more records than bytes");
            let Ok(fields) = record.fields else { continue };
            let _ = OldUser::read(fields.clone());
            let _ = OldCustomer::read(fields, &mut ignored);
        }
    }
}

#[test]
fn dumps() {
    let corpus = corpus("dumps", &["users.sql", "customers.sql"]);
    run(&bytes(corpus), |Bytes(file)| {
        migrate("old.sql", &file);
        Ok(())
    });
}

#[test]
fn old_files() {
    let corpus = corpus("old_files", &["old-customers.csv", "customers.csv"]);
    run(&bytes(corpus), |Bytes(file)| {
        migrate("old.csv", &file);
        migrate("old.json", &file);
        let _ = map(&String::from_utf8_lossy(&file));
        let _ = migrate_v1::model::address::split(&String::from_utf8_lossy(&file), Some("PE"));
        Ok(())
    });
}

#[test]
fn values() {
    run(&text(corpus("values", &[])), |text| {
        if let Ok(email) = Email::parse(&text) {
            let again = Email::parse(email.as_str()).expect("an address that was read is one");
            assert_eq!(again.key(), email.key());
        }
        if let Ok(phone) = Phone::parse(&text) {
            let _ = (phone.facts(Some("PE")), phone.facts(None));
            assert_eq!(Phone::parse(phone.as_str()).expect("a phone").digits(), phone.digits());
        }
        if let Ok(tags) = Tags::parse(&text) {
            assert_eq!(Tags::parse(&tags.to_string()).expect("tags"), tags);
        }
        let _ = (
            PersonName::parse(&text),
            UniqueId::parse(&text),
            Username::lookup(&text),
            username_base(&text, &text, None),
        );
        let _ = (postal_key(&text), country_code(&text), search_key(&text));
        Ok(())
    });
}

#[test]
fn search_queries() {
    run(&text(corpus("search_queries", &[])), |text| {
        let query = Query::parse(&text);
        let _ = (query.is_empty(), query.words().count(), query.digits(), query.phone());
        let _ =
            (query.names_exactly(), query.words_exactly(), query.names_by_prefix(), query.words_by_prefix());
        let _ = (query.substrings(), query.misspelt());
        Ok(())
    });
}

#[test]
fn secrets() {
    run(&text(corpus("tokens", &[])), |text| {
        if let Some(token) = RefreshToken::parse(&text) {
            assert_eq!(token.reveal(), text);
        }
        if let Some(key) = ApiKeySecret::parse(&text) {
            assert_eq!(key.reveal(), text);
        }
        if let Some(token) = DeviceToken::parse(&text) {
            assert_eq!(token.reveal(), text);
        }
        let _ = Verifier::key_id(&text);
        Ok(())
    });
}
