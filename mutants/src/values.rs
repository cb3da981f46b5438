//! What a function gives whose body is left out: plain values of its type.

use syn::{GenericArgument, PathArguments, ReturnType, Type};

/// Values of a function's type, as code; none where it has no plain one. The compiler refuses some.
pub(crate) fn returned(output: &ReturnType) -> Vec<String> {
    match output {
        ReturnType::Default => vec!["()".into()],
        ReturnType::Type(_, of) => values(of),
    }
}

fn values(of: &Type) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    match of {
        Type::Tuple(tuple) if tuple.elems.is_empty() => texts(&["()"]),
        Type::Tuple(_) => texts(&["Default::default()"]),
        Type::Reference(to) => match &*to.elem {
            Type::Path(path) if path.path.is_ident("str") => texts(&["\"\"", "\"xyzzy\""]),
            Type::Slice(_) if to.mutability.is_none() => texts(&["&[]"]),
            _ => Vec::new(),
        },
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else { return Vec::new() };
            let inner = || argument(&last.arguments).map(values).unwrap_or_default();
            let wrapped = |before: &str, after: &str| -> Vec<String> {
                inner().into_iter().map(|value| format!("{before}{value}{after}")).collect()
            };
            match last.ident.to_string().as_str() {
                "bool" => texts(&["true", "false"]),
                "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64"
                | "u128" | "usize" => texts(&["0", "1"]),
                "f32" | "f64" => texts(&["0.0", "1.0"]),
                "String" => texts(&["String::new()", "\"xyzzy\".to_owned()"]),
                "Option" => [texts(&["None"]), wrapped("Some(", ")")].concat(),
                "Result" => wrapped("Ok(", ")"),
                "Vec" => [texts(&["Vec::new()"]), wrapped("vec![", "]")].concat(),
                _ => texts(&["Default::default()"]),
            }
        }
        _ => Vec::new(),
    }
}

fn argument(arguments: &PathArguments) -> Option<&Type> {
    let PathArguments::AngleBracketed(inside) = arguments else { return None };
    inside.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(of) => Some(of),
        _ => None,
    })
}
