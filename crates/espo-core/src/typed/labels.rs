//! The names of entity types, fields and options that users of the instance see.

use std::fmt;

use super::field::Field;
use super::record::Entity;

/// Entity type, singular, plural.
type Names = (&'static str, &'static str, &'static str);
/// Entity type, field or attribute, label.
type Fields = (&'static str, &'static str, &'static str);
/// Entity type, field, option, label.
type Options = (&'static str, &'static str, &'static str, &'static str);

/// The labels of an instance in one language: the names of entity types, fields and options in its user interface.
///
/// A generated crate has a module `labels`, enabled by the Cargo feature `labels`, if the metadata was pulled with
/// labels: `labels::DEFAULT` for the instance's language, a static for each further language, such as `labels::DE_DE`,
/// and `labels::ALL`.
///
/// With generated code, `labels::DEFAULT.field(account::INDUSTRY)` and
/// `labels::DEFAULT.option(account::INDUSTRY, industry.as_str())` return them; names known only at run time are looked up
/// as strings:
///
/// ```
/// # mod labels {
/// #     espo_core::labels! {
/// #         DEFAULT = "default";
/// #         field "Account" "industry" "Branch";
/// #         option "Account" "industry" "Finance" "Banking";
/// #     }
/// # }
/// let labels = labels::DEFAULT;
/// assert_eq!(labels.field_of("Account", "industry"), Some("Branch"));
/// assert_eq!(labels.option_of("Account", "industry", "Finance"), Some("Banking"));
/// assert_eq!(labels.option_of("Account", "industry", "Mining"), None);
/// ```
#[derive(Clone, Copy)]
pub struct Labels {
    language: &'static str,
    names: &'static [Names],
    fields: &'static [Fields],
    options: &'static [Options],
}

impl Labels {
    /// For [`labels!`](crate::labels), whose rows are sorted.
    #[doc(hidden)]
    pub const fn new(
        language: &'static str,
        names: &'static [Names],
        fields: &'static [Fields],
        options: &'static [Options],
    ) -> Self {
        Self {
            language,
            names,
            fields,
            options,
        }
    }

    /// Returns the code of the language, such as `de_DE`; `default` for the instance's own language.
    pub const fn language(&self) -> &'static str {
        self.language
    }

    /// Returns the name of one record of an entity type, such as `Account`.
    pub fn entity_type<E: Entity>(&self) -> Option<&'static str> {
        Some(self.names_of(E::ENTITY_TYPE)?.1)
    }

    /// Returns the name of several records of an entity type, such as `Accounts`.
    pub fn plural<E: Entity>(&self) -> Option<&'static str> {
        Some(self.names_of(E::ENTITY_TYPE)?.2)
    }

    /// Returns the label of an attribute: the label of its field, unless it has a separate one, as the parts of an
    /// address have.
    pub fn field<E: Entity, K, A>(&self, field: Field<E, K, A>) -> Option<&'static str> {
        self.field_of(E::ENTITY_TYPE, field.name())
    }

    /// Returns the label of an option of an enum or multi-enum.
    pub fn option<E: Entity, K, A>(
        &self,
        field: Field<E, K, A>,
        option: &str,
    ) -> Option<&'static str> {
        self.option_of(E::ENTITY_TYPE, field.name(), option)
    }

    /// Returns the label of a field or attribute whose name is known only at run time.
    pub fn field_of(&self, entity_type: &str, field: &str) -> Option<&'static str> {
        let key = (entity_type, field);
        let found = self.fields.binary_search_by(|row| (row.0, row.1).cmp(&key));
        Some(self.fields[found.ok()?].2)
    }

    /// Returns the label of an option of a field whose name is known only at run time.
    pub fn option_of(&self, entity_type: &str, field: &str, option: &str) -> Option<&'static str> {
        let key = (entity_type, field, option);
        let found = self
            .options
            .binary_search_by(|row| (row.0, row.1, row.2).cmp(&key));
        Some(self.options[found.ok()?].3)
    }

    fn names_of(&self, entity_type: &str) -> Option<&'static Names> {
        let found = self.names.binary_search_by(|row| row.0.cmp(entity_type));
        self.names.get(found.ok()?)
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labels")
            .field("language", &self.language)
            .finish_non_exhaustive()
    }
}

/// The labels of one language, for generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! labels {
    (
        $name:ident = $language:literal;
        $(entity $entity:literal $one:literal $many:literal;)*
        $(field $owner:literal $field:literal $label:literal;)*
        $(option $holder:literal $of:literal $option:literal $text:literal;)*
    ) => {
        #[doc = concat!("The labels in the language `", $language, "`.")]
        pub static $name: $crate::typed::Labels = $crate::typed::Labels::new(
            $language,
            &[$(($entity, $one, $many)),*],
            &[$(($owner, $field, $label)),*],
            &[$(($holder, $of, $option, $text)),*],
        );
    };
}

#[cfg(test)]
#[allow(unreachable_pub)] // of the macro's static
mod tests {
    crate::labels! {
        DE_DE = "de_DE";
        entity "Account" "Firma" "Firmen";
        entity "CTeam" "Team" "Teams";
        field "Account" "industry" "Branche";
        field "Account" "name" "Name";
        field "CTeam" "name" "Bezeichnung";
        option "Account" "industry" "" "keine";
        option "Account" "industry" "Finance" "Finanzen";
    }

    #[test]
    fn labels_are_found_by_name() {
        assert_eq!(DE_DE.language(), "de_DE");
        assert_eq!(DE_DE.field_of("CTeam", "name"), Some("Bezeichnung"));
        assert_eq!(DE_DE.field_of("Account", "name"), Some("Name"));
        assert_eq!(DE_DE.field_of("Account", "nam"), None);
        assert_eq!(DE_DE.field_of("Lead", "name"), None);
        assert_eq!(DE_DE.option_of("Account", "industry", ""), Some("keine"));
        assert_eq!(DE_DE.option_of("Account", "industry", "Mining"), None);
        assert_eq!(format!("{DE_DE:?}"), "Labels { language: \"de_DE\", .. }");
    }
}
