use proptest::prelude::*;
use serde_json::json;

use super::super::columns::{Unknown, plan};
use super::super::options::{Mode, OnError, Options};
use super::super::survey::Survey;
use super::*;

/// A whole file in pieces, its columns guessed.
fn read(file: &[u8], format: Format, options: &Options, cut: usize) -> Result<Vec<Record>, Vec<FieldError>> {
    let mut survey = Survey::default();
    file.chunks(cut).for_each(|piece| survey.see(piece));
    let (encoding, skipped) = survey.encoding(options.encoding);
    let mut spec = Spec {
        format,
        mode: Mode::Create,
        match_by: None,
        columns: Vec::new(),
        delimiter: char::from(survey.delimiter(encoding)),
        encoding: encoding.name(),
        date_order: options.date_order,
        empty: options.empty,
        on_error: OnError::Skip,
        size: survey.size(),
        start: Position::default(),
    };
    let mut position = Position { offset: skipped, ..Position::default() };
    if format == Format::Csv {
        let mut reader = Reader::new(spec.clone(), position);
        reader.push(&file[usize::try_from(skipped).unwrap()..]);
        reader.finish();
        let Some((names, after)) = reader.header() else { return Ok(Vec::new()) };
        spec.columns = plan(&names.map_err(|f| vec![f])?, &[], Unknown::Ignore)?;
        position = after;
    }
    let mut records: Vec<Record> = Vec::new();
    // Each record is read by a reader of its own: a place to go on is a place to begin.
    loop {
        let mut reader = Reader::new(spec.clone(), position);
        let rest = &file[usize::try_from(position.offset).unwrap().min(file.len())..];
        rest.chunks(cut).for_each(|piece| reader.push(piece));
        reader.finish();
        let Some(record) = reader.next_record() else { return Ok(records) };
        position = Position { offset: record.next, row: record.row, unclosed: false };
        records.push(record);
    }
}

fn csv(file: &str) -> Vec<Record> {
    read(file.as_bytes(), Format::Csv, &Options::default(), 7).unwrap()
}

fn said(record: &Record) -> &RowValues {
    match &record.content {
        Content::Customer(said) => said,
        other => panic!("{other:?}"),
    }
}

fn codes(record: &Record) -> Vec<(&str, &str)> {
    match &record.content {
        Content::Faulty(errors) => errors.iter().map(|f| (f.field.as_str(), f.code)).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_have_the_numbers_of_the_spreadsheet() {
    let records = csv("email,name,vip\n\na@b.co,Ana María López,1\n,,\nb@b.co,Bo Li,\n");
    let rows: Vec<i64> = records.iter().map(|r| r.row).collect();
    assert_eq!(rows, [3, 4, 5]);
    let ana = &said(&records[0]).members;
    assert_eq!(ana.first_name.as_ref().unwrap().as_str(), "Ana María");
    assert_eq!(ana.last_name.as_ref().unwrap().as_str(), "López");
    assert!(matches!(records[1].content, Content::Blank));
}

#[test]
fn every_fault_of_a_row_is_named_with_its_column() {
    let records =
        csv("Correo,Nombre,Apellido,dob,Activo,tel\nno mail,Ana,Paz,03/04/1990,quizás,1.5E+10\na@b.co,Ana\n");
    assert_eq!(
        codes(&records[0]),
        [
            ("dob", "ambiguous_date"),
            ("Activo", "invalid_boolean"),
            ("tel", "scientific_notation"),
            ("email", "invalid_email")
        ]
    );
    assert_eq!(codes(&records[1]), [("row", "wrong_number_of_cells")]);
}

#[test]
fn other_encodings_are_read_and_wrong_bytes_cost_a_row() {
    let latin = b"email,first_name,last_name\na@b.co,Nu\xf1ez,Pe\xf1a\n";
    let records = read(latin, Format::Csv, &Options::default(), 5).unwrap();
    assert_eq!(said(&records[0]).members.last_name.as_ref().unwrap().as_str(), "Peña");
    let text = "\u{feff}email;first_name;last_name\r\na@b.co;Zoë 😀;Łuk\r\n";
    for bytes in [
        text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>(),
        text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        text.as_bytes().to_vec(),
    ] {
        let records = read(&bytes, Format::Csv, &Options::default(), 3).unwrap();
        assert_eq!(said(&records[0]).members.first_name.as_ref().unwrap().as_str(), "Zoë 😀");
    }
    let utf8 = [&b"email,first_name\na@b.co,ok\nb@b.co,Nu\xf1ez\n"[..], "c@b.co,ñandú\n".as_bytes()].concat();
    let records = read(&utf8, Format::Csv, &Options::default(), 5).unwrap();
    assert_eq!(codes(&records[1]), [("first_name", "invalid_encoding")]);
    assert_eq!(said(&records[2]).members.first_name.as_ref().unwrap().as_str(), "ñandú");
    let nul = csv("email,first_name\na@b.co,A\0B\n");
    assert_eq!(codes(&nul[0]), [("first_name", "control_character")]);
}

#[test]
fn a_table_without_rows_or_columns_has_none() {
    assert!(csv("").is_empty() && csv("email\n").is_empty() && csv("\n\r\n\n").is_empty());
    let errors = read(b"hello\nworld\n", Format::Csv, &Options::default(), 9).unwrap_err();
    assert_eq!(errors[0].code, "no_known_column");
    let wide = "email,".repeat(100_000);
    let errors = read(wide.as_bytes(), Format::Csv, &Options::default(), 1 << 20).unwrap_err();
    assert_eq!(errors[0].code, "too_many_columns");
}

#[test]
fn lines_of_json_have_the_members_of_the_api() {
    let file = concat!(
        "{\"email\":\"a@b.co\",\"first_name\":\"A\",\"total_services\":5,\"version\":3,\"tags\":[\"x\"],",
        "\"customer_id\":\"CUST_A1B2C3D4\",\"city\":null}\n\n[1]\n{\"email\":\n{\"emial\":\"a@b.co\"}\n",
        "{\"customer_id\":\"nobody\"}"
    );
    let records = read(file.as_bytes(), Format::Ndjson, &Options::default(), 11).unwrap();
    let first = said(&records[0]);
    assert!(first.customer.is_some() && first.members.address.city.is_null());
    assert_eq!(first.members.fixed.total_services, None, "nobody writes it, so nobody is asked");
    assert_eq!(codes(&records[1]), [("row", "wrong_type")]);
    assert_eq!(codes(&records[2]), [("row", "invalid_json")]);
    assert_eq!(codes(&records[3]), [("emial", "unknown_member")]);
    assert_eq!(codes(&records[4]), [("customer_id", "invalid_customer_id")]);
    assert_eq!(records.iter().map(|r| r.row).collect::<Vec<_>>(), [1, 3, 4, 5, 6]);
}

#[test]
fn empty_cells_stay_or_clear() {
    let file = b"email,city,metadata.shop,is_active,first_name\na@b.co,,,,\n";
    let records = read(file, Format::Csv, &Options::default(), 9).unwrap();
    assert!(said(&records[0]).members.address.city.is_absent());
    let clear = Options { empty: Empty::Clear, ..Options::default() };
    let records = read(file, Format::Csv, &clear, 9).unwrap();
    let members = &said(&records[0]).members;
    assert!(members.address.city.is_null() && members.is_active.is_none() && members.first_name.is_none());
    assert_eq!(members.metadata.clone().value().unwrap()["shop"], json!(null));
}

#[test]
fn keys_are_looked_for_in_order() {
    let records = csv("customer_id,external_id,email,phone\nCUST_A1B2C3D4,X1,A@b.co,555-0123\n,,,555-0123\n");
    let keys = said(&records[0]).keys(None);
    assert_eq!(keys[1], Key::External("X1".to_owned()));
    assert!(matches!(keys[0], Key::Customer(_)) && keys.len() == 2);
    assert_eq!(said(&records[0]).keys(Some(MatchKey::Email)), [Key::Email("a@b.co".to_owned())]);
    assert_eq!(said(&records[1]).keys(None), [Key::Phone("5550123".to_owned())]);
    assert!(said(&records[1]).keys(Some(MatchKey::ExternalId)).is_empty());
    assert_eq!(missing(&said(&records[1]).members).len(), 2);
}

proptest! {
    #[test]
    fn no_file_panics(file in proptest::collection::vec(
        prop_oneof![any::<u8>(), Just(b'"'), Just(b','), Just(b'\n'), Just(b'e')], 0..200), cut in 1usize..50) {
        for format in [Format::Csv, Format::Ndjson] {
            let _ = read(&file, format, &Options::default(), cut);
            let named = [b"email,name\n", file.as_slice()].concat();
            let _ = read(&named, format, &Options::default(), cut);
        }
    }

    #[test]
    fn cells_survive_writing_and_reading(notes in "[ -~\n]{1,40}") {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let file = format!("email,first_name,last_name,notes\r\na@b.co,A,B,{}\r\n", quoted(&notes));
        let records = csv(&file);
        if let Content::Customer(said) = &records[0].content
            && let Field::Value(read) = &said.members.notes
        {
            let unguarded = notes.trim().strip_prefix('\'').unwrap_or(notes.trim()).trim();
            prop_assert!(read.as_str() == notes.trim() || read.as_str() == unguarded);
        }
    }
}
