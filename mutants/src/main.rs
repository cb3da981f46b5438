//! Mutation testing of Tidings: small errors are put into a copy of the program, and the tests have to
//! notice each of them.
//!
//! All mutants are compiled in at once, each behind a switch, and a variable of the environment turns one
//! of them on; so the copy is built once. Which tests reach which switch is recorded first, and each
//! mutant is shown only to those. SQL and what stands in other macros is not changed.

mod explained;
mod project;
mod sites;
mod splice;
mod suite;
mod swaps;
mod values;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::explained::Explained;
use crate::project::Project;
use crate::splice::{File, Mutant};
use crate::suite::{Seen, Suite};

const HELP: &str = "\
Usage: tidings-mutants [OPTIONS] PATH...

  PATH           files or folders of the program to be mutated, as src/domain/post
  --it FILTER    show what the tests beside the code leave alive to these stories of tests/it, too
  --left         only what survived the last time
  --jobs N       how many test processes run at once (default: one for each core)

What survives is printed. mutants/explained.txt says why some mutants may; exit code 1 if any other does.";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What was asked for.
struct Args {
    paths: Vec<String>,
    stories: Vec<String>,
    left: bool,
    jobs: usize,
}

fn args() -> Result<Option<Args>, Failure> {
    let jobs = std::thread::available_parallelism().map_or(2, usize::from);
    let mut args = Args { paths: Vec::new(), stories: Vec::new(), left: false, jobs };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} needs a value"));
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--left" => args.left = true,
            "--it" => args.stories.push(value()?),
            "--jobs" => args.jobs = value()?.parse()?,
            option if option.starts_with('-') => return Err(format!("no option {option}").into()),
            path => args.paths.push(path.trim_end_matches('/').to_owned()),
        }
    }
    if args.paths.is_empty() { Ok(None) } else { Ok(Some(args)) }
}

fn main() -> ExitCode {
    let outcome = args().and_then(|args| match args {
        Some(args) => run(&args),
        None => {
            println!("{HELP}");
            Ok(true)
        }
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<bool, Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no folder above")?;
    let explained = Explained::read(&root.join("mutants/explained.txt"))?;
    let project = Project::copy(root)?;
    let mut files: Vec<File> = Vec::new();
    let mut next = 1;
    for path in project.sources(&args.paths)? {
        files.push(File::read(root, &path, &mut next)?);
    }
    let lib = project.build(&mut files, "--lib")?;
    let mut mutants: Vec<&Mutant> = files.iter().flat_map(File::alive).collect();
    let survivors = root.join("target/mutants/survivors.txt");
    if args.left {
        let left = std::fs::read_to_string(&survivors)?;
        mutants.retain(|mutant| left.lines().any(|line| line == mutant.key()));
    }
    eprintln!("{} mutants; recording which tests beside the code reach them", mutants.len());
    let mut seen = show(&Suite::record(&project, lib, &[])?, &mutants, args.jobs);
    if !args.stories.is_empty() {
        let left: Vec<&Mutant> = surviving(&seen).collect();
        seen.retain(|(_, seen)| *seen == Seen::Failed || *seen == Seen::TooLong);
        eprintln!("{} survived; recording which stories reach them", left.len());
        let it = project.build_stories()?;
        seen.extend(show(&Suite::record(&project, it, &args.stories)?, &left, args.jobs));
    }
    let left: Vec<String> = surviving(&seen).map(Mutant::key).collect();
    std::fs::write(survivors, left.join("\n"))?;
    Ok(report(&seen, &explained, &args.paths))
}

/// Shows each mutant to the tests that reach it.
fn show<'a>(suite: &Suite, mutants: &[&'a Mutant], jobs: usize) -> Vec<(&'a Mutant, Seen)> {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(mutant) = mutants.get(next.fetch_add(1, Ordering::Relaxed)) {
            let seen = suite.show(mutant.id);
            if matches!(seen, Seen::Passed | Seen::Unreached) {
                eprintln!("alive so far: {}:{}: {}", mutant.file, mutant.line, mutant.what());
            }
            let mut all = all.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            all.push((*mutant, seen));
            if all.len() % 50 == 0 {
                eprintln!("{} of {}", all.len(), mutants.len());
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    let mut all = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.sort_by_key(|(mutant, _)| mutant.id);
    all
}

fn surviving<'a>(seen: &[(&'a Mutant, Seen)]) -> impl Iterator<Item = &'a Mutant> {
    seen.iter()
        .filter(|(_, seen)| matches!(seen, Seen::Passed | Seen::Unreached))
        .map(|(mutant, _)| *mutant)
}

/// Prints what came out; whether every survivor is explained, and nothing else is.
fn report(seen: &[(&Mutant, Seen)], explained: &Explained, paths: &[String]) -> bool {
    let count = |which| seen.iter().filter(|(_, seen)| *seen == which).count();
    let mut seen: Vec<&(&Mutant, Seen)> = seen.iter().collect();
    seen.sort_by_key(|(mutant, _)| mutant.id);
    let mut unexplained = 0;
    let mut keys = Vec::new();
    for (mutant, what) in seen.iter().filter(|(_, it)| matches!(it, Seen::Passed | Seen::Unreached))
    {
        keys.push(mutant.key());
        if !explained.has(&mutant.key()) {
            unexplained += 1;
            let how = if *what == Seen::Unreached { " (reached by no test)" } else { "" };
            println!("{}:{}: {}{how}", mutant.file, mutant.line, mutant.what());
        }
    }
    let stale = explained.without(&keys, paths);
    for key in &stale {
        println!("mutants/explained.txt: it does not survive, or is gone: {key}");
    }
    let survived = keys.len();
    println!(
        "{} mutants: {} caught, {} caught by a time limit, {survived} survived, {} of them explained",
        seen.len(),
        count(Seen::Failed),
        count(Seen::TooLong),
        survived - unexplained,
    );
    unexplained == 0 && stale.is_empty()
}
