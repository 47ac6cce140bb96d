//! The part of `XPath` 1.0 that patches and `ref` attributes are written in: child steps, `//`, `*`,
//! `.`, and predicates over positions, attributes, child elements and text. Names are compared
//! exactly, as there.

mod parser;

use crate::config::tree::Element;

/// An expression that has been understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XPath {
    /// Begins at the document instead of at an element.
    absolute: bool,
    steps: Vec<Step>,
}

/// Why an expression is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotUnderstood {
    /// Byte offset in the expression.
    pub offset: usize,
    /// What was expected there.
    pub what: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// Any depth, as after `//`.
    anywhere: bool,
    /// `None` is `*`.
    name: Option<String>,
    predicates: Vec<Predicate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Predicate {
    Position(usize),
    Last,
    Exists(Operand),
    Compare { operand: Operand, with: Comparison, value: String },
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Different,
    Contains,
    StartsWith,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    Attribute(String),
    Child(String),
    /// Text directly inside: `text()` and `.`.
    Text,
    /// `name()` and `local-name()`.
    Name,
}

impl XPath {
    /// Understands `expression`.
    ///
    /// # Errors
    ///
    /// Where and why not, when it is written in a part of `XPath` that is not known here.
    pub fn parse(expression: &str) -> Result<Self, NotUnderstood> {
        parser::parse(expression)
    }

    /// Whether this picks among the children of the element it starts from, as an anchor must.
    pub fn is_one_child_step(&self) -> bool {
        !self.absolute && matches!(&*self.steps, [step] if !step.anywhere)
    }

    /// What it picks, in document order: from the children of `context`, or when absolute from the
    /// document whose root element `context` is.
    pub fn select<'e>(&self, context: &'e Element) -> Vec<&'e Element> {
        let Some((first, rest)) = self.steps.split_first() else {
            return vec![context];
        };
        let mut found = if self.absolute {
            let mut found = first.filter(vec![context]);
            if first.anywhere {
                first.below(context, &mut found);
            }
            found
        } else {
            first.take(context)
        };
        for step in rest {
            found = found.into_iter().flat_map(|element| step.take(element)).collect();
        }
        found
    }

    /// The first that it picks.
    pub fn first<'e>(&self, context: &'e Element) -> Option<&'e Element> {
        self.select(context).into_iter().next()
    }
}

impl Step {
    fn take<'e>(&self, context: &'e Element) -> Vec<&'e Element> {
        let mut found = self.filter(context.elements().collect());
        if self.anywhere {
            for child in context.elements() {
                self.below(child, &mut found);
            }
        }
        found
    }

    fn below<'e>(&self, context: &'e Element, found: &mut Vec<&'e Element>) {
        found.extend(self.filter(context.elements().collect()));
        for child in context.elements() {
            self.below(child, found);
        }
    }

    /// Those of `siblings` that this step means; positions count among them alone.
    fn filter<'e>(&self, siblings: Vec<&'e Element>) -> Vec<&'e Element> {
        let named = |element: &&Element| match &self.name {
            Some(name) => element.is_called(name, None),
            None => true,
        };
        let mut kept: Vec<&Element> = siblings.into_iter().filter(named).collect();
        for predicate in &self.predicates {
            let last = kept.len();
            let numbered = kept.into_iter().zip(1..);
            kept = numbered.filter(|&(e, n)| predicate.holds(e, n, last)).map(|(e, _)| e).collect();
        }
        kept
    }
}

impl Predicate {
    fn holds(&self, element: &Element, position: usize, last: usize) -> bool {
        match self {
            Self::Position(wanted) => *wanted == position,
            Self::Last => position == last,
            Self::Exists(operand) => !operand.values(element).is_empty(),
            Self::Compare { operand, with, value } => {
                operand.values(element).iter().any(|found| with.holds(found, value))
            }
            Self::And(all) => all.iter().all(|predicate| predicate.holds(element, position, last)),
            Self::Or(any) => any.iter().any(|predicate| predicate.holds(element, position, last)),
            Self::Not(predicate) => !predicate.holds(element, position, last),
        }
    }
}

impl Comparison {
    fn holds(self, found: &str, value: &str) -> bool {
        match self {
            Self::Equal => found == value,
            Self::Different => found != value,
            Self::Contains => found.contains(value),
            Self::StartsWith => found.starts_with(value),
        }
    }
}

impl Operand {
    fn values(&self, element: &Element) -> Vec<String> {
        match self {
            Self::Attribute(name) => {
                element.value(name).map(ToOwned::to_owned).into_iter().collect()
            }
            Self::Child(name) => {
                let called = element.elements().filter(|e| e.is_called(name, None));
                called.map(Element::text).collect()
            }
            Self::Text => {
                Some(element.text()).filter(|text| !text.is_empty()).into_iter().collect()
            }
            Self::Name => vec![element.name.clone()],
        }
    }
}
