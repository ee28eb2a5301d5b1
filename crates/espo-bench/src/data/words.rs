//! Words for generated values, in plain ASCII because the server's name pattern rejects some characters.

use rand::seq::IndexedRandom as _;

const FIRST: [&str; 24] = [
    "Ada", "Boris", "Carla", "Daniel", "Elena", "Farid", "Grace", "Hugo", "Irina", "Jonas",
    "Keiko", "Liam", "Maria", "Nadia", "Oscar", "Petra", "Quentin", "Rosa", "Samir", "Tessa",
    "Umar", "Vera", "Walter", "Yusuf",
];
const WORDS: [&str; 40] = [
    "harbor", "summit", "granite", "meadow", "copper", "lantern", "cedar", "orbit", "pioneer",
    "delta", "falcon", "marble", "ember", "willow", "cobalt", "prairie", "anchor", "beacon",
    "canyon", "drift", "echo", "fjord", "glacier", "hollow", "island", "juniper", "kestrel",
    "lagoon", "mosaic", "nimbus", "opal", "quarry", "ridge", "saffron", "timber", "umber",
    "valley", "walnut", "yarrow", "zephyr",
];
const COMPANY: [&str; 8] = [
    "Systems",
    "Logistics",
    "Partners",
    "Foods",
    "Energy",
    "Media",
    "Works",
    "Trading",
];
const CITIES: [&str; 12] = [
    "Berlin", "Lisbon", "Toronto", "Osaka", "Nairobi", "Lima", "Oslo", "Pune", "Austin", "Leeds",
    "Lyon", "Perth",
];
const COUNTRIES: [&str; 8] = [
    "Germany", "Portugal", "Canada", "Japan", "Kenya", "Peru", "Norway", "India",
];

fn pick(rng: &mut impl rand::Rng, list: &'static [&'static str]) -> &'static str {
    list.choose(rng).copied().unwrap_or("word")
}

pub(super) fn first_name(rng: &mut impl rand::Rng) -> &'static str {
    pick(rng, &FIRST)
}

pub(super) fn word(rng: &mut impl rand::Rng) -> &'static str {
    pick(rng, &WORDS)
}

pub(super) fn city(rng: &mut impl rand::Rng) -> &'static str {
    pick(rng, &CITIES)
}

pub(super) fn country(rng: &mut impl rand::Rng) -> &'static str {
    pick(rng, &COUNTRIES)
}

/// Returns a company name such as `Harbor Systems`.
pub(super) fn company(rng: &mut impl rand::Rng) -> String {
    let word = word(rng);
    format!(
        "{}{} {}",
        word[..1].to_uppercase(),
        &word[1..],
        pick(rng, &COMPANY)
    )
}

/// Returns a sentence of `count` words.
pub(super) fn sentence(rng: &mut impl rand::Rng, count: usize) -> String {
    let words: Vec<&str> = (0..count).map(|_| word(rng)).collect();
    words.join(" ")
}
