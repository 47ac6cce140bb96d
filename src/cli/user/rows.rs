//! Rows of a membership provider's tables, read from CSV (RFC 4180): a header row names the columns.

use csv::ReaderBuilder;
use csv::StringRecord;

/// The columns that are read, in the order of [`Row`]. The first ones must be there.
const COLUMNS: [&str; 10] = [
    "UserName",
    "Email",
    "IsApproved",
    "IsLockedOut",
    "Password",
    "PasswordFormat",
    "PasswordSalt",
    "Comment",
    "CreateDate",
    "Roles",
];

/// How many of [`COLUMNS`] a file must have.
const NEEDED: usize = 7;

/// The most bytes of a row: more is a quote that was never closed.
const LONGEST_ROW: usize = 256 * 1024;

/// A row as text. What a table has no value for is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Where it begins; the header is line 1.
    pub(super) line: u64,
    cells: [String; COLUMNS.len()],
}

impl Row {
    /// `UserName`.
    pub(super) fn user_name(&self) -> &str {
        &self.cells[0]
    }

    /// `Email`.
    pub(super) fn email(&self) -> &str {
        &self.cells[1]
    }

    /// `IsApproved`.
    pub(super) fn is_approved(&self) -> &str {
        &self.cells[2]
    }

    /// `IsLockedOut`.
    pub(super) fn is_locked_out(&self) -> &str {
        &self.cells[3]
    }

    /// `Password`: the hash or, in the clear format, the password; blanks around it are its own.
    pub(super) fn password(&self) -> &str {
        &self.cells[4]
    }

    /// `PasswordFormat`.
    pub(super) fn password_format(&self) -> &str {
        &self.cells[5]
    }

    /// `PasswordSalt`.
    pub(super) fn password_salt(&self) -> &str {
        &self.cells[6]
    }

    /// `Comment`.
    pub(super) fn comment(&self) -> &str {
        &self.cells[7]
    }

    /// `CreateDate`.
    pub(super) fn create_date(&self) -> &str {
        &self.cells[8]
    }

    /// `Roles`, separated by `|`.
    pub(super) fn roles(&self) -> impl Iterator<Item = &str> {
        self.cells[9].split('|').map(str::trim).filter(|role| !role.is_empty())
    }
}

/// What was found in a file, one entry a row: the row, or the line and why there is none.
///
/// # Errors
///
/// What is wrong with the header.
pub(super) fn read(
    text: &[u8],
) -> Result<impl Iterator<Item = Result<Row, (u64, String)>>, String> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    if text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) {
        return Err("the file is UTF-16: save it as UTF-8".to_owned());
    }
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let header = reader.byte_headers().map_err(|error| error.to_string())?.clone();
    let header = StringRecord::from_byte_record_lossy(header);
    let places = places(&header)?;
    let width = header.len();
    let mut lines = Lines { text, at: 0, line: 1 };
    Ok(reader.into_byte_records().map(move |record| {
        let record = record.map_err(|error| (lines.line, error.to_string()))?;
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        if record.as_slice().len() > LONGEST_ROW {
            return Err((line, "the row is too long: is a quote never closed?".to_owned()));
        }
        let record = StringRecord::from_byte_record(record)
            .map_err(|_| (line, "the row is not UTF-8".to_owned()))?;
        if record.len() != width {
            let why = format!("the row has {} columns, the header {width}", record.len());
            return Err((line, why));
        }
        Ok(Row { line, cells: cells(&record, &places) })
    }))
}

/// Counts lines. The reader's own count is that of the line end before a row, and knows nothing of
/// empty lines.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which the row begins that the reader found from `byte` on.
    fn of(&mut self, byte: u64) -> u64 {
        let byte = usize::try_from(byte).unwrap_or(usize::MAX);
        let rest = self.text.get(byte..).unwrap_or_default();
        let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let start = byte.saturating_add(ends);
        let passed = self.text.get(self.at..start).unwrap_or_default();
        self.line += passed.split(|byte| *byte == b'\n').skip(1).count() as u64;
        self.at = start;
        self.line
    }
}

fn cells(
    record: &StringRecord,
    places: &[Option<usize>; COLUMNS.len()],
) -> [String; COLUMNS.len()] {
    places.map(|place| match place.and_then(|place| record.get(place)) {
        // What SQL Server's tools write for nothing.
        None | Some("NULL") => String::new(),
        Some(text) => text.to_owned(),
    })
}

fn places(header: &StringRecord) -> Result<[Option<usize>; COLUMNS.len()], String> {
    let place = |column: &str| {
        let mut names = header.iter().map(str::trim);
        names.position(|name| name.eq_ignore_ascii_case(column))
    };
    let places = COLUMNS.map(place);
    let missing = COLUMNS.iter().zip(places).take(NEEDED).find(|(_, place)| place.is_none());
    match missing {
        Some((column, _)) => Err(format!("the header names no column {column}")),
        None => Ok(places),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "username,EMAIL,IsApproved,IsLockedOut,Password,PasswordFormat,PasswordSalt,Extra,Roles";

    fn rows(text: &str) -> Vec<Result<Row, (u64, String)>> {
        read(text.as_bytes()).unwrap().collect()
    }

    #[test]
    fn quotes_line_ends_and_a_byte_order_mark_are_read_as_rfc_4180_says() {
        let text = format!(
            "\u{feff}{HEADER}\r\n\"sitecore\\ja\"\"ne\",a@b.test,1,0,\" p,w\r\n \",0,,x,a| b |\r\nmax,NULL,1,0,,1,,x,\r\n"
        );
        let rows = rows(&text);
        let first = rows[0].as_ref().unwrap();
        assert_eq!((first.line, first.user_name()), (2, "sitecore\\ja\"ne"));
        assert_eq!(first.password(), " p,w\r\n ");
        assert_eq!(first.roles().collect::<Vec<_>>(), ["a", "b"]);
        let second = rows[1].as_ref().unwrap();
        assert_eq!((second.line, second.user_name(), second.email()), (4, "max", ""));
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn a_row_that_is_none_is_told_with_its_line_and_the_next_is_read() {
        let text = format!("{HEADER}\nshort,row\nmax,,1,0,,1,,,\n");
        let rows = rows(&text);
        assert_eq!(rows[0], Err((2, "the row has 2 columns, the header 9".to_owned())));
        assert_eq!(rows[1].as_ref().unwrap().user_name(), "max");
        let wrong = read(b"UserName,Email\n").err();
        assert_eq!(wrong.as_deref(), Some("the header names no column IsApproved"));
    }
}
