//! What a chat template puts around the turns of a conversation.

use pmpo_core::prompt::{around, Role, Turn, HARD, PROBES};

/// The turns that follow a system turn, if any, when a template is looked at: a question
/// alone, and one after two others with their answers.
const SHORT: [Role; 1] = [Role::User];
const LONG: [Role; 5] = [
    Role::User,
    Role::Assistant,
    Role::User,
    Role::Assistant,
    Role::User,
];

/// What a chat template puts around turns, found once: the template itself can be
/// asked only while the model is at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dress {
    /// Before the first turn.
    opening: String,
    /// Between a turn of one role and one of another.
    joints: Vec<((Role, Role), String)>,
    /// After the last turn.
    end: String,
    /// Whose texts lose white space at both ends.
    trims: Vec<Role>,
}

/// Conversations by which a template is found: as long as it may be, where the
/// template takes that, and with a system turn or without.
pub(crate) struct Shape {
    roles: Vec<Role>,
}

impl Shape {
    /// The longer one first.
    pub(crate) fn all(with_system: bool) -> [Self; 2] {
        [&LONG[..], &SHORT[..]].map(|roles| {
            let system = with_system.then_some(Role::System);
            let roles = system.into_iter().chain(roles.iter().copied());
            Self {
                roles: roles.collect(),
            }
        })
    }

    /// Turns whose texts are found again in what the template makes of them.
    pub(crate) fn probes(&self) -> Vec<Turn> {
        let texts = self.roles.iter().zip(PROBES);
        texts.map(|(role, text)| Turn::new(*role, text)).collect()
    }

    /// Turns that show trimming and everything that a template might read.
    pub(crate) fn hard(&self) -> Vec<Turn> {
        let texts = self.roles.iter();
        texts.map(|role| Turn::new(*role, HARD)).collect()
    }
}

impl Dress {
    /// Reads what stands around the probes, and finds whose texts are trimmed, from what
    /// the template makes of the probes and of hard texts. `None` where it is not
    /// simply text around turns, the same wherever the same roles follow each other.
    pub(crate) fn find(shape: &Shape, probed: &str, hard: &str) -> Option<Self> {
        let plain = Self::read(probed, &shape.probes())?;
        let turns = shape.hard();
        let choices = 0..1_u8 << 3;
        choices
            .map(|choice| {
                let roles = [Role::System, Role::User, Role::Assistant];
                let chosen = (0..).zip(roles).filter(|(bit, _)| (choice >> bit) & 1 == 1);
                Self {
                    trims: chosen.map(|(_, role)| role).collect(),
                    ..plain.clone()
                }
            })
            .find(|dress| dress.put_on(&turns).as_deref() == Some(hard))
    }

    fn read(text: &str, probes: &[Turn]) -> Option<Self> {
        let texts: Vec<&str> = probes.iter().map(|turn| turn.text.as_str()).collect();
        let parts = around(text, &texts)?;
        let (opening, end) = (parts.first()?, parts.last()?);
        let mut joints: Vec<((Role, Role), String)> = Vec::new();
        for (turns, joint) in probes.windows(2).zip(&parts[1..]) {
            let roles = (turns[0].role, turns[1].role);
            match joints.iter().find(|(known, _)| *known == roles) {
                Some((_, known)) if known != joint => return None,
                Some(_) => {}
                None => joints.push((roles, (*joint).to_owned())),
            }
        }
        Some(Self {
            opening: (*opening).to_owned(),
            joints,
            end: (*end).to_owned(),
            trims: Vec::new(),
        })
    }

    /// The turns as text; `None` where two roles follow each other of which it is not
    /// known what stands between.
    pub(crate) fn put_on(&self, turns: &[Turn]) -> Option<String> {
        let mut out = self.opening.clone();
        let mut before: Option<Role> = None;
        for turn in turns {
            if let Some(before) = before {
                let roles = (before, turn.role);
                let (_, joint) = self.joints.iter().find(|(known, _)| *known == roles)?;
                out.push_str(joint);
            }
            let trims = self.trims.contains(&turn.role);
            out.push_str(if trims { turn.text.trim() } else { &turn.text });
            before = Some(turn.role);
        }
        out.push_str(&self.end);
        Some(out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;

    /// A template that is text around turns.
    fn tagged(turns: &[Turn], trims: &[Role]) -> String {
        let mut out = "<s>".to_owned();
        for turn in turns {
            let tag = match turn.role {
                Role::System => "sys",
                Role::User => "user",
                Role::Assistant => "bot",
            };
            let trims = trims.contains(&turn.role);
            let text = if trims { turn.text.trim() } else { &turn.text };
            out += &format!("<{tag}>{text}</{tag}>");
        }
        out + "<bot>"
    }

    #[test]
    fn a_template_is_found_from_probes_whoever_is_trimmed() {
        for trims in [
            vec![],
            vec![Role::Assistant],
            vec![Role::System, Role::User, Role::Assistant],
        ] {
            let [shape, _] = Shape::all(true);
            let probed = tagged(&shape.probes(), &trims);
            let hard = tagged(&shape.hard(), &trims);
            let dress = Dress::find(&shape, &probed, &hard).unwrap();
            let turns: Vec<Turn> = [
                (Role::System, " Be brief."),
                (Role::User, "a\n"),
                (Role::Assistant, " b "),
                (Role::User, "c "),
                (Role::Assistant, "d"),
                (Role::User, "e"),
                (Role::Assistant, "f"),
                (Role::User, "g"),
            ]
            .map(|(role, text)| Turn::new(role, text))
            .into();
            assert_eq!(dress.put_on(&turns).unwrap(), tagged(&turns, &trims));
            // Found with a system turn first, and asked for something else.
            assert_eq!(dress.put_on(&[turns[1].clone(), turns[3].clone()]), None);
        }
    }

    #[test]
    fn what_is_not_text_around_turns_is_not_taken_for_it() {
        let [long, short] = Shape::all(false);
        let hard = tagged(&long.hard(), &[]);
        let probed = tagged(&long.probes(), &[]);
        let upper = probed.to_uppercase();
        assert_eq!(Dress::find(&long, &upper, &hard), None);
        assert_eq!(Dress::find(&long, &probed, &hard.to_uppercase()), None);
        // The second question is marked another way than the last one.
        let marked = probed.replacen("</bot><user>", "</bot><next>", 1);
        assert_eq!(Dress::find(&long, &marked, &hard), None);
        let alone = tagged(&short.probes(), &[]);
        let dress = Dress::find(&short, &alone, &tagged(&short.hard(), &[])).unwrap();
        assert!(dress.put_on(&[Turn::new(Role::User, "a")]).is_some());
        assert_eq!(dress.put_on(&long.probes()), None);
    }
}
