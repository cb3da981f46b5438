//! The table of answers, and what holds of every fault.

use std::collections::BTreeSet;

use super::*;
use crate::domain::breaker::X;

#[test]
fn the_table_of_answers() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let rows = include_str!("answers.txt").lines();
    for row in rows.filter(|row| !row.is_empty() && !row.starts_with('#')) {
        let (asked, expected) = row.rsplit_once(" => ").expect("an arrow");
        let mut words = asked.splitn(3, ' ');
        let question = words.next().expect("a question");
        let status = words.next().expect("a status").parse().expect("a number");
        let body = words.next().unwrap_or_default().to_owned();
        let kind = match question {
            "user" | "keyed" => Question::User,
            "validate" => Question::Validate,
            "analytics" => Question::Analytics,
            other => panic!("{other}"),
        };
        let reply = Reply::Answered { status, retry_after: None, body };
        let lane = Lane::new("main", X);
        let found = match diagnose(kind, &reply, &lane, question == "keyed") {
            Verdict::Good { account } => format!("good {}", account.as_deref().unwrap_or("-")),
            Verdict::Bad { fault, .. } => {
                seen.insert(fault);
                fault.name().to_owned()
            }
        };
        if found != expected {
            wrong.push(format!("{asked}\n  {found}, not {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    seen.insert(Fault::Unreachable);
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), Fault::ALL, "each fault has an answer here");
}

#[test]
fn what_never_arrived_is_no_refusal() {
    let lane = Lane::new("main", "linkedin");
    for question in [Question::User, Question::Validate, Question::Analytics] {
        let ask = |reply| diagnose(question, &reply, &lane, false);
        let fault = |verdict| match verdict {
            Verdict::Bad { fault, said } => (fault, said),
            Verdict::Good { .. } => panic!("good"),
        };
        let why = || "dns".to_owned();
        assert_eq!(fault(ask(Reply::NotSent { why: why() })), (Fault::Unreachable, why()));
        assert_eq!(fault(ask(Reply::Lost { why: why() })), (Fault::Unclear, why()));
    }
}

#[test]
fn every_fault_has_a_name_of_its_own_and_something_to_do() {
    let names: BTreeSet<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    assert_eq!(names.len(), Fault::ALL.len());
    for fault in Fault::ALL {
        assert!(!fault.sentence().is_empty() && !fault.steps().is_empty());
        assert!(fault.steps().iter().all(|step| step.len() > 20), "{}", fault.name());
    }
}
