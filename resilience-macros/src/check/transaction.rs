//! `tx = conn`: claim, effect and result are one transaction.

use syn::{Ident, Type};

use super::Subject;
use crate::allowed::Rule;
use crate::diagnostics::did_you_mean;
use crate::function::{Parameter, last_segment, ungrouped_type};
use crate::policy::{Kind, Policy};

impl Subject<'_> {
    pub(super) fn check_transaction(&self) {
        let mut names: Vec<&Ident> = Vec::new();
        for connection in self.policies.iter().filter_map(Policy::transaction) {
            if !names.contains(&connection) {
                self.the_connection_is_a_parameter(connection);
                names.push(connection);
            }
        }
        if !names.is_empty() {
            self.a_transaction_belongs_to_one_call();
            self.a_failed_transaction_is_not_tried_again();
        }
    }

    /// Whether a policy shares a transaction with the body.
    fn has_transaction(&self) -> bool {
        self.policies
            .iter()
            .any(|policy| policy.transaction().is_some())
    }

    /// Whether a hedge is reported because of the transaction, and for nothing else.
    pub(super) fn hedge_stands_in_a_transaction(&self) -> bool {
        self.hedge().is_some() && self.has_transaction()
    }

    /// The transaction is begun before the body and ended behind it: the connection is lent to both.
    fn the_connection_is_a_parameter(&self, connection: &Ident) {
        let mut parameters = self.parameters.iter();
        let Some(parameter) = parameters.find(|parameter| parameter.name() == Some(connection))
        else {
            let names = self.parameters.iter().filter_map(Parameter::name);
            let names: Vec<_> = names.map(ToString::to_string).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let remedy = match names.is_empty() {
                true => format!("write `{connection}: &mut PgConnection`"),
                false => did_you_mean(&connection.to_string(), &names),
            };
            return self.diagnostics.error(
                connection,
                format!("`tx` names no parameter of this function: `{connection}`\n{remedy}"),
            );
        };
        let is_lent = matches!(ungrouped_type(&parameter.ty), Type::Reference(reference)
            if reference.mutability.is_some());
        // Its caller's transaction is not that of the step, which begins one.
        let is_begun =
            last_segment(parameter.owned_type()).is_some_and(|name| name == "Transaction");
        if is_lent && is_begun && self.find(Kind::SagaStep).is_some() {
            self.diagnostics.error(
                &parameter.ty,
                format!(
                    "`tx` of a step needs a connection, on which it begins a transaction\n\
                     write `{connection}: &mut PgConnection`, or `&mut SqliteConnection`"
                ),
            );
        }
        if !is_lent {
            self.diagnostics.error(
                &parameter.ty,
                format!(
                    "`tx` needs a connection that is borrowed mutably\n\
                     write `{connection}: &mut PgConnection`{}",
                    match self.find(Kind::SagaStep) {
                        // It begins the transaction by itself.
                        Some(_) => ", or `&mut SqliteConnection`",
                        None => ", or `&mut Transaction<'_, Postgres>`",
                    }
                ),
            );
        }
    }

    /// Two attempts at once cannot share a connection; the steps of a saga are committed one by one;
    /// and who joins a flight would answer before the other one's caller has committed.
    fn a_transaction_belongs_to_one_call(&self) {
        let reasons = [
            (
                Kind::Hedge,
                "two attempts at once cannot share its connection",
                "remove #[hedge]",
            ),
            (
                Kind::Saga,
                "the steps of a saga are committed one by one",
                "remove `tx`",
            ),
            (
                Kind::SingleFlight,
                "another call would have an answer that is not committed yet",
                "remove #[single_flight]: duplicates wait at the database",
            ),
        ];
        for (kind, reason, remedy) in reasons {
            // A step that is a saga, too, is reported by itself.
            let is_reported = kind == Kind::Saga && self.find(Kind::SagaStep).is_some();
            if let Some(policy) = self.find(kind).filter(|_| !is_reported) {
                let name = kind.name();
                self.diagnostics.error_at(
                    policy.span(),
                    format!("#[{name}] cannot stand beside `tx`: {reason}\n{remedy}"),
                );
            }
        }
    }

    /// A statement that failed has ended the transaction on PostgreSQL: every further one fails until
    /// it is rolled back, which only the caller can do, whose transaction it is. So it does not matter
    /// where the retry stands.
    fn a_failed_transaction_is_not_tried_again(&self) {
        let Some((_, retry)) = self.retry() else {
            return;
        };
        let remedy = match self.find(Kind::SagaStep) {
            Some(_) => "remove #[retry]: a step that is `retriable` is begun anew",
            None => "move #[retry] to the function that begins the transaction",
        };
        self.warn_at(
            Rule::RetryInTransaction,
            retry.span,
            &format!(
                "#[retry] tries again in a transaction that has failed: PostgreSQL refuses all that \
                 follows\n{remedy}"
            ),
        );
    }
}
