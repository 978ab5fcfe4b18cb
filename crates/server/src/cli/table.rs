//! Answers in columns, for people.

/// Rows under their headings, each column as wide as its widest cell.
pub fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or_default()
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let heading = headings.map(str::to_owned);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    std::iter::once(&heading).chain(rows).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_stand_under_their_headings() {
        let rows = [["é".to_owned(), "long cell".to_owned()], ["abc".to_owned(), String::new()]];
        assert_eq!(table(["A", "B"], &rows), "A    B\né    long cell\nabc\n");
        assert_eq!(table(["A"], &[]), "A\n");
    }
}
