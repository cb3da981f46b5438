//! Where a source file can be changed, and into what.

use std::ops::Range;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Pat, UnOp};

use crate::{swaps, values};

/// How the changed code takes its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An expression in the place of another.
    Expression,
    /// A `return` at the start of a body.
    Return,
    /// A guard at an arm that switches it off.
    Arm,
}

/// A place that can be changed in one or several ways.
pub(crate) struct Site {
    pub(crate) range: Range<usize>,
    pub(crate) shape: Shape,
    pub(crate) line: usize,
    pub(crate) function: String,
    /// The new code, and what is said of it.
    pub(crate) variants: Vec<(String, String)>,
}

/// All places of a file, the outer ones before those in them.
pub(crate) fn of(text: &str) -> syn::Result<Vec<Site>> {
    let mut finder = Finder { text, sites: Vec::new(), names: Vec::new() };
    finder.visit_file(&syn::parse_file(text)?);
    finder.sites.sort_by_key(|site| (site.range.start, std::cmp::Reverse(site.range.end)));
    Ok(finder.sites)
}

struct Finder<'a> {
    text: &'a str,
    sites: Vec<Site>,
    /// The type and the function around.
    names: Vec<String>,
}

impl Finder<'_> {
    fn code(&self, of: &impl Spanned) -> String {
        self.text.get(of.span().byte_range()).unwrap_or_default().to_owned()
    }

    /// A piece of code on one line, for people.
    fn short(&self, of: &impl Spanned) -> String {
        let line = self.code(of).split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= 90 {
            return line;
        }
        line.chars().take(60).chain(" … ".chars()).collect::<String>()
            + &line.chars().skip(line.chars().count() - 24).collect::<String>()
    }

    fn add(&mut self, of: &impl Spanned, variants: Vec<(String, String)>) {
        let span = of.span();
        let (range, line) = (span.byte_range(), span.start().line);
        self.push(range, line, Shape::Expression, variants);
    }

    fn push(
        &mut self,
        range: Range<usize>,
        line: usize,
        shape: Shape,
        variants: Vec<(String, String)>,
    ) {
        if !variants.is_empty() && !self.names.is_empty() {
            let function = self.names.join("::");
            self.sites.push(Site { range, shape, line, function, variants });
        }
    }

    /// Each of `others` in the place of a piece of code.
    fn replace(&mut self, of: &impl Spanned, others: &[&str]) {
        let short = self.short(of);
        let said = |other: &str| (other.to_owned(), format!("`{short}` → `{other}`"));
        let variants = others.iter().map(|other| said(other)).collect();
        self.add(of, variants);
    }

    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        if signature.constness.is_some() {
            return;
        }
        self.names.push(signature.ident.to_string());
        let open = body.brace_token.span.open();
        let variants = values::returned(&signature.output)
            .into_iter()
            .map(|value| (format!("return {value};"), format!("body → `{value}`")))
            .collect();
        let (at, line) = (open.byte_range().end, signature.span().start().line);
        self.push(at..at, line, Shape::Return, variants);
        visit::visit_block(self, body);
        self.names.pop();
    }

    fn binary(&mut self, binary: &syn::ExprBinary) {
        let chain = matches!(binary.op, BinOp::And(_));
        if chain && (has_let(&binary.left) || has_let(&binary.right)) {
            return;
        }
        let (left, right) = (self.code(&binary.left), self.code(&binary.right));
        let short = self.short(binary);
        let variants = swaps::operators(&binary.op).iter().map(|op| {
            let code = if swaps::is_assignment(&binary.op) {
                format!("{left} {op} {right}")
            } else {
                format!("({left}) {op} ({right})")
            };
            (code, format!("`{short}` → `{op}`"))
        });
        self.add(binary, variants.collect());
    }

    /// A call of `min` becomes one of `max`, and the like.
    fn call(&mut self, whole: &Expr, name: &syn::Ident) {
        let Some(other) = swaps::call(name) else { return };
        let (range, inner) = (whole.span().byte_range(), name.span().byte_range());
        let (before, after) = (range.start..inner.start, inner.end..range.end);
        let [Some(before), Some(after)] = [before, after].map(|it| self.text.get(it)) else {
            return;
        };
        let code = format!("{before}{other}{after}");
        let said = format!("`{}` → `{other}`", self.short(whole));
        self.add(whole, vec![(code, said)]);
    }

    /// Each condition of an `if` that is neither a comparison nor changed in another way.
    fn condition(&mut self, condition: &Expr, others: &[&str]) {
        match condition {
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
                self.condition(&binary.left, others);
                self.condition(&binary.right, others);
            }
            Expr::Let(_) | Expr::Binary(_) | Expr::Unary(_) | Expr::Macro(_) => {}
            bare => self.replace(bare, others),
        }
    }

    /// A field that is named falls back to the base of its struct.
    fn fields(&mut self, whole: &syn::ExprStruct) {
        if whole.rest.is_none() || !whole.attrs.is_empty() {
            return;
        }
        let range = whole.span().byte_range();
        let mut variants = Vec::new();
        for pair in whole.fields.pairs() {
            let field = pair.value();
            let end = pair.punct().map_or(field.span(), Spanned::span).byte_range().end;
            let cut = field.span().byte_range().start..end;
            let parts = [range.start..cut.start, cut.end..range.end].map(|it| self.text.get(it));
            let [Some(before), Some(after)] = parts else { continue };
            let said = format!("`{}` left out", self.short(*field));
            variants.push((format!("{before}{after}"), said));
        }
        self.add(whole, variants);
    }

    fn arms(&mut self, whole: &syn::ExprMatch) {
        let others = whole
            .arms
            .last()
            .is_some_and(|arm| arm.guard.is_none() && matches!(arm.pat, Pat::Wild(_)));
        for (index, arm) in whole.arms.iter().enumerate() {
            match &arm.guard {
                Some((_, guard)) if !has_let(guard) => self.replace(guard, &["true", "false"]),
                None if others && index + 1 < whole.arms.len() => {
                    let (at, line) = (arm.pat.span().byte_range().end, arm.span().start().line);
                    let said = format!("arm `{}` left out", self.short(&arm.pat));
                    self.push(at..at, line, Shape::Arm, vec![(String::new(), said)]);
                }
                _ => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig, &item.block);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last());
        let words = of.is_some_and(|it| it.ident == "Debug" || it.ident == "Default");
        if is_test(&item.attrs) || words {
            return;
        }
        let name = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|it| it.ident.to_string()),
            _ => None,
        };
        self.names.push(name.unwrap_or_else(|| "impl".into()));
        visit::visit_item_impl(self, item);
        self.names.pop();
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Binary(binary) => self.binary(binary),
            Expr::Unary(unary) if !matches!(unary.op, UnOp::Deref(_)) => {
                let code = self.code(&unary.expr);
                let said = format!("`{}` → `{}`", self.short(unary), self.short(&unary.expr));
                self.add(unary, vec![(code, said)]);
            }
            Expr::MethodCall(call) => self.call(expr, &call.method),
            Expr::Call(call) => {
                if let Expr::Path(path) = &*call.func
                    && let Some(last) = path.path.segments.last()
                {
                    self.call(expr, &last.ident);
                }
            }
            Expr::Macro(call) if call.mac.path.is_ident("matches") => {
                let code = format!("!{}", self.code(call));
                let said = format!("`{}` → not so", self.short(call));
                self.add(call, vec![(code, said)]);
            }
            Expr::If(branch) => self.condition(&branch.cond, &["true", "false"]),
            Expr::While(turn) => self.condition(&turn.cond, &["false"]),
            Expr::Struct(whole) => self.fields(whole),
            Expr::Match(whole) => self.arms(whole),
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
    }

    // What the compiler computes, and what is no code that runs.
    fn visit_item_const(&mut self, _: &'ast syn::ItemConst) {}
    fn visit_item_static(&mut self, _: &'ast syn::ItemStatic) {}
    fn visit_impl_item_const(&mut self, _: &'ast syn::ImplItemConst) {}
    fn visit_expr_const(&mut self, _: &'ast syn::ExprConst) {}
    fn visit_variant(&mut self, _: &'ast syn::Variant) {}
    fn visit_pat(&mut self, _: &'ast Pat) {}
    fn visit_type(&mut self, _: &'ast syn::Type) {}
    fn visit_generic_argument(&mut self, _: &'ast syn::GenericArgument) {}
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}

/// Whether a condition binds names: such a one can't stand alone.
fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|it| match &it.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            list.tokens.to_string().split(|c: char| !c.is_alphanumeric()).any(|it| it == "test")
        }
        syn::Meta::Path(path) => path.segments.last().is_some_and(|it| it.ident == "test"),
        _ => false,
    })
}
