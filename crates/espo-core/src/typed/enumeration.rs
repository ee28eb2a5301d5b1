//! The options of an enum field as a Rust enum that preserves unknown values.

/// Implemented by [`enumeration!`](crate::enumeration): the options of an enum or multi-enum field.
///
/// Every string is a value: one that was not an option when the code was generated becomes `Unknown` and is written
/// back unchanged.
pub trait Enumeration: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The options known when the code was generated, in the order of the metadata.
    const OPTIONS: &'static [&'static str];

    /// Returns the value of a string.
    fn from_text(text: &str) -> Self;

    /// Returns the string on the wire.
    fn as_str(&self) -> &str;
}

/// Defines the Rust enum of a field's options.
///
/// ```
/// espo_core::enumeration! {
///     /// `stage` of `Opportunity`.
///     pub enum Stage {
///         Prospecting = "Prospecting",
///         ClosedWon = "Closed Won",
///     }
/// }
///
/// assert_eq!(Stage::from("Closed Won"), Stage::ClosedWon);
/// assert_eq!(Stage::ClosedWon.as_str(), "Closed Won");
/// assert_eq!(Stage::ALL, [Stage::Prospecting, Stage::ClosedWon]);
/// // An option that an administrator added later is preserved and written back unchanged.
/// assert_eq!(Stage::from("On Hold"), Stage::Unknown("On Hold".into()));
/// assert_eq!(Stage::from("On Hold").to_string(), "On Hold");
/// ```
///
/// To match a value that may become an option later, compare the string: `stage.as_str() == "On Hold"` remains correct
/// after the option was added and the code was generated again.
#[macro_export]
macro_rules! enumeration {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        $vis enum $name {
            $($(#[$vmeta])* #[doc = concat!("`", $text, "`")] $variant,)*
            /// A value that was not an option when this code was generated.
            Unknown(String),
        }

        impl $name {
            /// The options that were known when this code was generated, in the order of the metadata.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Returns the string on the wire.
            $vis fn as_str(&self) -> &str {
                $crate::typed::Enumeration::as_str(self)
            }
        }

        impl $crate::typed::Enumeration for $name {
            const OPTIONS: &'static [&'static str] = &[$($text),*];

            fn from_text(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Unknown(other.to_owned()),
                }
            }

            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        $crate::enumeration_conversions!($name);
    };
}

/// The conversions of every enum of [`enumeration!`](crate::enumeration), in a separate macro so that the table of
/// options is expanded once.
#[doc(hidden)]
#[macro_export]
macro_rules! enumeration_conversions {
    ($name:ident) => {
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $crate::typed::Enumeration::from_text(text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl $crate::serde::Serialize for $name {
            fn serialize<S: $crate::serde::Serializer>(
                &self,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::typed::deserialize_text(deserializer)
            }
        }

        $crate::text_value!($name);
    };
}

#[cfg(test)]
mod tests {
    use super::Enumeration;

    crate::enumeration! {
        /// Options that are difficult to handle, as metadata can contain them.
        enum Hostile { Blank = "", UnknownOption = "Unknown", Quote = "\"*/\n" }
    }

    #[test]
    fn known_and_unknown_options_round_trip() {
        for text in ["", "Other", "\"*/\n", "Unknown", "other", "日本"] {
            assert_eq!(Hostile::from_text(text).as_str(), text);
        }
        assert_eq!(Hostile::from_text("Unknown"), Hostile::UnknownOption);
        assert_eq!(
            Hostile::from_text("other"),
            Hostile::Unknown("other".into())
        );
        assert_eq!(Hostile::ALL.len(), 3);
        let json = serde_json::to_string(&Hostile::Quote).expect("a string");
        let back: Hostile = serde_json::from_str(&json).expect("an option");
        assert_eq!(back, Hostile::Quote);
        assert_eq!(Hostile::OPTIONS, ["", "Unknown", "\"*/\n"]);
    }
}
