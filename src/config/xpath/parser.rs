//! Text → [`XPath`].

use crate::config::xpath::Comparison;
use crate::config::xpath::NotUnderstood;
use crate::config::xpath::Operand;
use crate::config::xpath::Predicate;
use crate::config::xpath::Step;
use crate::config::xpath::XPath;

/// Longest expression; the longest seen in the wild has 200 bytes.
const MAX_LENGTH: usize = 4_096;
/// Parentheses inside one another.
const MAX_NESTING: usize = 16;

pub(super) fn parse(expression: &str) -> Result<XPath, NotUnderstood> {
    let mut parser = Parser { whole: expression, rest: expression.trim(), depth: 0 };
    if expression.len() > MAX_LENGTH {
        return parser.fail("a shorter expression");
    }
    let absolute = parser.rest.starts_with('/');
    let mut steps = Vec::new();
    loop {
        let anywhere = parser.accept("//");
        let slash = anywhere || parser.accept("/");
        if !slash && (absolute || !steps.is_empty()) {
            break;
        }
        let myself = !anywhere && !parser.rest.starts_with("..") && parser.accept(".");
        if !myself {
            steps.push(parser.step(anywhere)?);
        }
        if parser.rest.is_empty() {
            break;
        }
        if !parser.rest.starts_with('/') {
            return parser.fail("the end or a `/`");
        }
    }
    Ok(XPath { absolute, steps })
}

struct Parser<'x> {
    whole: &'x str,
    rest: &'x str,
    depth: usize,
}

impl Parser<'_> {
    fn step(&mut self, anywhere: bool) -> Result<Step, NotUnderstood> {
        let name = if self.accept("*") { None } else { Some(self.name()?) };
        let mut predicates = Vec::new();
        while self.accept("[") {
            predicates.push(self.any()?);
            self.expect("]")?;
        }
        Ok(Step { anywhere, name, predicates })
    }

    fn any(&mut self) -> Result<Predicate, NotUnderstood> {
        let mut all = vec![self.all()?];
        while self.accept_word("or") {
            all.push(self.all()?);
        }
        Ok(one_or(all, Predicate::Or))
    }

    fn all(&mut self) -> Result<Predicate, NotUnderstood> {
        let mut all = vec![self.condition()?];
        while self.accept_word("and") {
            all.push(self.condition()?);
        }
        Ok(one_or(all, Predicate::And))
    }

    fn condition(&mut self) -> Result<Predicate, NotUnderstood> {
        if self.accept("(") {
            return self.nested();
        }
        if self.accept("last()") {
            return Ok(Predicate::Last);
        }
        if self.accept_call("not") {
            return Ok(Predicate::Not(Box::new(self.nested()?)));
        }
        if self.accept_call("contains") {
            return self.call(Comparison::Contains);
        }
        if self.accept_call("starts-with") {
            return self.call(Comparison::StartsWith);
        }
        if self.accept("position()") {
            self.expect("=")?;
            return self.position();
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            return self.position();
        }
        let operand = self.operand()?;
        let with = if self.accept("=") {
            Comparison::Equal
        } else if self.accept("!=") {
            Comparison::Different
        } else {
            return Ok(Predicate::Exists(operand));
        };
        Ok(Predicate::Compare { operand, with, value: self.literal()? })
    }

    fn nested(&mut self) -> Result<Predicate, NotUnderstood> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return self.fail("fewer parentheses inside one another");
        }
        let inner = self.any()?;
        self.expect(")")?;
        self.depth -= 1;
        Ok(inner)
    }

    fn call(&mut self, with: Comparison) -> Result<Predicate, NotUnderstood> {
        let operand = self.operand()?;
        self.expect(",")?;
        let value = self.literal()?;
        self.expect(")")?;
        Ok(Predicate::Compare { operand, with, value })
    }

    fn position(&mut self) -> Result<Predicate, NotUnderstood> {
        if self.accept("last()") {
            return Ok(Predicate::Last);
        }
        let digits = self.take_while(|c| c.is_ascii_digit());
        match digits.parse() {
            Ok(position) if position > 0 => Ok(Predicate::Position(position)),
            Ok(_) | Err(_) => self.fail("a position, counted from 1"),
        }
    }

    fn operand(&mut self) -> Result<Operand, NotUnderstood> {
        if self.accept("@") {
            return self.name().map(Operand::Attribute);
        }
        if self.accept("text()") || self.accept(".") {
            return Ok(Operand::Text);
        }
        if self.accept("name()") || self.accept("local-name()") {
            return Ok(Operand::Name);
        }
        self.name().map(Operand::Child)
    }

    fn name(&mut self) -> Result<String, NotUnderstood> {
        let start = self.rest;
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let begins = name.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if !begins || self.rest.starts_with(['(', ':']) {
            self.rest = start;
            return self.fail("an element's or an attribute's name");
        }
        self.skip_space();
        Ok(name)
    }

    fn literal(&mut self) -> Result<String, NotUnderstood> {
        for quote in ['\'', '"'] {
            let quoted = self.rest.strip_prefix(quote).and_then(|rest| rest.split_once(quote));
            if let Some((value, rest)) = quoted {
                self.rest = rest.trim_start();
                return Ok(value.to_owned());
            }
        }
        self.fail("a value in quotes")
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken.to_owned()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn accept(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    /// `and` and `or`, but not the beginning of `order`.
    fn accept_word(&mut self, word: &str) -> bool {
        let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric() || c == '-');
        let rest = self.rest.strip_prefix(word);
        rest.is_some_and(|rest| !goes_on(rest)) && self.accept(word)
    }

    fn accept_call(&mut self, function: &str) -> bool {
        let rest = self.rest.strip_prefix(function).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with('(')) && self.accept(function) && self.accept("(")
    }

    fn expect(&mut self, token: &str) -> Result<(), NotUnderstood> {
        if self.accept(token) { Ok(()) } else { self.fail(&format!("`{token}`")) }
    }

    fn fail<T>(&self, wanted: &str) -> Result<T, NotUnderstood> {
        let trailing = self.whole.len() - self.whole.trim_end().len();
        let offset = (self.whole.len() - trailing).saturating_sub(self.rest.len());
        Err(NotUnderstood { offset, what: format!("expected {wanted} at position {offset}") })
    }
}

fn one_or(mut all: Vec<Predicate>, several: fn(Vec<Predicate>) -> Predicate) -> Predicate {
    if all.len() == 1
        && let Some(only) = all.pop()
    {
        return only;
    }
    several(all)
}
