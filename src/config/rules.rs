//! `{rule}:require="expression"`: which parts of a file are meant for this installation
//! (sitecore.md §3.3). The product's results, except that what it ignores or hangs on is a fault.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::config::tree::Attribute;

/// What every namespace of the patch engine begins with; a rule's name and a slash follow.
pub const XMLCONFIG: &str = "http://www.sitecore.net/xmlconfig/";

/// Parentheses and negations inside one another.
const MAX_NESTING: usize = 64;

/// What the installation is defined as, by rule: `role` → `standalone`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    defined: BTreeMap<String, BTreeSet<String>>,
}

/// What an expression comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the element stays.
    pub holds: bool,
    /// `and` and `or` stand side by side without parentheses, which reads from left to right.
    pub mixed: bool,
}

/// Why an expression cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// Byte offset in the expression.
    pub offset: usize,
    /// What is wrong there.
    pub what: String,
}

impl Rules {
    /// Defines what the `{rule}:define` entries of `settings` say; keys without regard to case.
    pub fn from_settings<'a>(settings: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut defined: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, value) in settings {
            let key = key.to_lowercase();
            if let Some(rule) = key.strip_suffix(":define") {
                let values = value.split(['|', ',', ';']).map(|v| v.trim().to_lowercase());
                defined
                    .entry(rule.to_owned())
                    .or_default()
                    .extend(values.filter(|v| !v.is_empty()));
            }
        }
        if let Some(roles) = defined.get_mut("role") {
            let implied: Vec<String> = roles.iter().filter_map(|role| implied_role(role)).collect();
            roles.extend(implied);
        }
        Self { defined }
    }

    /// Whether the installation says anything of `rule`.
    pub fn defines(&self, rule: &str) -> bool {
        self.defined.contains_key(&rule.to_lowercase())
    }

    /// Decides `expression`, a requirement of `rule`.
    pub fn decide(&self, rule: &str, expression: &str) -> Result<Verdict, Unclear> {
        if expression.is_empty() {
            return Ok(Verdict { holds: true, mixed: false });
        }
        let rule = rule.to_lowercase();
        let given = BTreeSet::from([default_value(&rule).to_owned()]);
        let defined = self.defined.get(&rule).unwrap_or(&given);
        let tokens = tokens(expression, defined)?;
        let mut parser = Parser { tokens: &tokens, end: expression.len(), depth: 0, mixed: false };
        let holds = parser.level()?;
        match parser.tokens.first() {
            None => Ok(Verdict { holds, mixed: parser.mixed }),
            Some(token) => Err(Unclear {
                offset: token.offset,
                what: "something after a complete expression, which the CMS ignores".to_owned(),
            }),
        }
    }
}

/// The rule that `attribute` states a requirement of, if it is one.
pub fn rule_of(attribute: &Attribute) -> Option<&str> {
    let rule = rule_namespace(attribute)?;
    matches!(&*attribute.name, "require" | "r").then_some(rule)
}

/// The rule whose namespace `attribute` is in.
pub fn rule_namespace(attribute: &Attribute) -> Option<&str> {
    let rule = attribute.namespace.as_deref()?.strip_prefix(XMLCONFIG)?.strip_suffix('/')?;
    (!rule.is_empty() && rule != "set").then_some(rule)
}

/// What a rule is taken to be defined as when nothing defines it.
pub fn default_value(rule: &str) -> &'static str {
    match rule {
        "role" => "standalone",
        "search" => "lucene",
        _ => "",
    }
}

/// `x-1` is also an `x`, and `dedicated-x` too.
fn implied_role(role: &str) -> Option<String> {
    if let Some(plain) = role.strip_prefix("dedicated-") {
        return Some(plain.to_owned());
    }
    let (plain, number) = role.rsplit_once('-')?;
    let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    numbered.then(|| plain.to_owned())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    kind: Kind,
    offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    And,
    Or,
    Not,
    Open,
    Close,
    Value(bool),
}

fn tokens(expression: &str, defined: &BTreeSet<String>) -> Result<Vec<Token>, Unclear> {
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(c) = rest.chars().next() {
        let offset = expression.len() - rest.len();
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        let (kind, after) = match c {
            '&' => (Kind::And, skip_one(rest)),
            '|' => (Kind::Or, skip_one(rest)),
            '!' => (Kind::Not, skip_one(rest)),
            '(' => (Kind::Open, skip_one(rest)),
            ')' => (Kind::Close, skip_one(rest)),
            _ if !word.is_empty() => (keyword(&word.to_lowercase(), defined), after),
            _ => {
                let what = format!("unknown grammar at position {offset}: {c:?}");
                return Err(Unclear { offset, what });
            }
        };
        tokens.push(Token { kind, offset });
        rest = after.trim_start();
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/')
}

fn skip_one(rest: &str) -> &str {
    rest.get(1..).unwrap_or_default()
}

fn keyword(word: &str, defined: &BTreeSet<String>) -> Kind {
    if defined.contains(word) {
        return Kind::Value(true);
    }
    match word {
        "and" => Kind::And,
        "or" => Kind::Or,
        word => Kind::Value(word == "true"),
    }
}

struct Parser<'t> {
    tokens: &'t [Token],
    end: usize,
    depth: usize,
    mixed: bool,
}

impl Parser<'_> {
    /// What stands between two parentheses, or the whole.
    fn level(&mut self) -> Result<bool, Unclear> {
        let mut operators = (false, false);
        let holds = self.expression(&mut operators)?;
        self.mixed |= operators == (true, true);
        Ok(holds)
    }

    /// From left to right without precedence; a `!` after an operator takes all that follows.
    fn expression(&mut self, operators: &mut (bool, bool)) -> Result<bool, Unclear> {
        self.deeper()?;
        let negated = self.accept(Kind::Not);
        if self.tokens.is_empty() {
            return self.unclear("empty expression");
        }
        let mut holds = self.operand(operators)? != negated;
        loop {
            let and = self.accept(Kind::And);
            if !and && !self.accept(Kind::Or) {
                break;
            }
            if self.tokens.is_empty() {
                return self.unclear("missing expression after an operator");
            }
            let next = self.operand(operators)?;
            *operators = (operators.0 || and, operators.1 || !and);
            holds = if and { holds && next } else { holds || next };
        }
        self.depth -= 1;
        Ok(holds)
    }

    fn operand(&mut self, operators: &mut (bool, bool)) -> Result<bool, Unclear> {
        match self.tokens.first().map(|token| token.kind) {
            Some(Kind::Value(value)) => {
                self.advance();
                Ok(value)
            }
            Some(Kind::Open) => {
                self.advance();
                let holds = self.level()?;
                if self.accept(Kind::Close) {
                    return Ok(holds);
                }
                self.unclear("expecting a closing parenthesis")
            }
            Some(Kind::Close) => self.unclear("unexpected closing parenthesis"),
            Some(Kind::Not) => self.expression(operators),
            Some(Kind::And | Kind::Or) | None => {
                self.unclear("an operator without anything before it, on which the CMS hangs")
            }
        }
    }

    fn deeper(&mut self) -> Result<(), Unclear> {
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return self.unclear("too many parentheses inside one another");
        }
        Ok(())
    }

    fn accept(&mut self, kind: Kind) -> bool {
        let found = self.tokens.first().is_some_and(|token| token.kind == kind);
        if found {
            self.advance();
        }
        found
    }

    fn advance(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    fn unclear<T>(&self, what: &str) -> Result<T, Unclear> {
        let offset = self.tokens.first().map_or(self.end, |token| token.offset);
        Err(Unclear { offset, what: what.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(role: &str) -> Rules {
        Rules::from_settings([("Role:Define", role)].into_iter())
    }

    fn decide(expression: &str) -> Result<bool, Unclear> {
        rules("a").decide("role", expression).map(|verdict| verdict.holds)
    }

    #[test]
    fn the_documented_edge_cases_come_out_as_in_the_product() {
        for (expression, holds) in [
            ("a or b and c", false),
            ("a | b & c", false),
            ("a and !b or c", true),
            ("!!a", true),
            ("c and !c or a", false),
            ("!a or a", true),
            ("A OR B", true),
            ("", true),
            ("true", true),
            ("false or x.y/z_1", false),
            ("(a and (b or !c))", true),
        ] {
            assert_eq!(decide(expression), Ok(holds), "{expression}");
        }
    }

    #[test]
    fn what_the_product_refuses_ignores_or_hangs_on_is_refused_with_its_position() {
        for (expression, offset) in [
            ("a b", 2),
            ("(a) c", 4),
            ("()", 1),
            ("a or (b", 7),
            ("a and", 5),
            ("!", 1),
            ("  ", 2),
            ("a, b", 1),
            ("a && b", 3),
            ("and a", 0),
            ("a or or b", 5),
            (") a", 0),
        ] {
            assert_eq!(decide(expression).unwrap_err().offset, offset, "{expression}");
        }
    }

    #[test]
    fn and_beside_or_is_noticed_unless_parentheses_say_what_is_meant() {
        let mixed = |expression| rules("a").decide("role", expression).unwrap().mixed;
        assert!(mixed("a or b and c") && mixed("a and !b or c") && mixed("(a or b and c) or a"));
        assert!(!mixed("a or (b and c)") && !mixed("a or b or c") && !mixed("a and !b and c"));
    }

    #[test]
    fn nesting_without_end_is_refused_and_does_not_crash() {
        assert!(decide(&"(".repeat(100_000)).is_err());
        assert!(decide(&"!".repeat(100_000)).is_err());
    }

    #[test]
    fn values_are_split_trimmed_and_folded() {
        let rules = rules(" ContentManagement , Reporting|X;; ContentDelivery-1");
        for role in ["contentmanagement", "REPORTING", "x", "ContentDelivery", "contentdelivery-1"]
        {
            assert!(rules.decide("ROLE", role).unwrap().holds, "{role}");
        }
    }

    #[test]
    fn a_rule_that_nothing_defines_has_its_default() {
        let rules = Rules::default();
        assert!(rules.decide("role", "Standalone or ContentManagement").unwrap().holds);
        assert!(rules.decide("search", "Lucene").unwrap().holds);
        assert!(!rules.decide("unicorn", "On").unwrap().holds);
        assert!(rules.decide("unicorn", "!Off").unwrap().holds);
    }
}
