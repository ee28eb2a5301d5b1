use super::{entity_plan, ident, module_plan, snake_plan, variant_plan};

#[test]
fn ordinary_names_are_converted() {
    let plan = snake_plan(
        ["billingAddressCity", "address2Line", "type", "cRegion"],
        &[],
    );
    assert_eq!(plan["billingAddressCity"], "billing_address_city");
    assert_eq!(plan["address2Line"], "address2_line");
    assert_eq!(plan["cRegion"], "c_region");
    assert_eq!(ident(&plan["type"]), "r#type");
    assert_eq!(
        entity_plan(["OAuthAccount", "CAllTypes"], &[])["OAuthAccount"],
        "OAuthAccount"
    );
}

#[test]
fn collisions_keep_names_that_follow_the_conventions() {
    let alone = snake_plan(["fooBar"], &[]);
    let with_others = snake_plan(["fooBar", "foo_bar", "FooBar"], &[]);
    assert_eq!(alone["fooBar"], with_others["fooBar"]);
    let distinct: std::collections::BTreeSet<_> = with_others.values().collect();
    assert_eq!(distinct.len(), 3, "{with_others:?}");
    // The suffix comes from the name alone, so a third name does not change it.
    assert_eq!(
        snake_plan(["fooBar", "foo_bar"], &[])["foo_bar"],
        with_others["foo_bar"]
    );
}

#[test]
fn any_name_becomes_an_identifier() {
    for wire in [
        "",
        "-",
        "1st",
        "a b",
        "self",
        "crate",
        "Self",
        "имя",
        "💥",
        "async",
        "_",
        "日本 語",
    ] {
        for name in snake_plan([wire], &[])
            .values()
            .chain(variant_plan([wire]).values())
        {
            let ident = ident(name);
            assert!(
                syn::parse_str::<syn::Ident>(&ident).is_ok(),
                "{wire:?} became {ident:?}"
            );
        }
    }
}

#[test]
fn modules_of_long_names_have_distinct_file_names() {
    let names = ["a", "b", "é"].map(|end| format!("{}{end}", "LongName".repeat(31)));
    let plan = module_plan(names.iter().map(String::as_str), &[]);
    let distinct: std::collections::BTreeSet<_> = plan.values().collect();
    assert_eq!(distinct.len(), 3);
    for name in distinct {
        assert!(name.is_ascii() && name.len() < 200, "{name}");
    }
}

#[test]
fn suffixes_follow_the_case_of_the_plan_in_scripts_without_case() {
    for plan in [
        variant_plan(["日本", "日本 "]),
        entity_plan(["表", "表 "], &[]),
    ] {
        assert!(plan.values().all(|name| !name.contains('_')), "{plan:?}");
    }
    let fields = snake_plan(["日本", "日本 "], &[]);
    assert!(
        fields.values().all(|name| !name.contains('X')),
        "{fields:?}"
    );
}

#[test]
fn options_that_differ_by_a_symbol_have_distinct_names() {
    for (option, name) in [
        ("F#", "FHash"),
        ("F", "F"),
        ("C++", "CPlusPlus"),
        ("18+", "X18Plus"),
        ("10%", "X10Percent"),
        ("<", "Less"),
        ("<=", "LessEqual"),
        ("R&D", "RD"),
        ("Closed Won", "ClosedWon"),
        ("it's (new)", "ItSNew"),
        ("£", "Pound"),
    ] {
        assert_eq!(variant_plan([option])[option], name);
    }
    for (option, plain) in [("Fire 🔥", "Fire"), ("A ✓", "A")] {
        let alone = variant_plan([option])[option].clone();
        let both = variant_plan([option, plain]);
        assert_eq!((both[plain].as_str(), &both[option]), (plain, &alone));
    }
}

#[test]
fn fields_and_types_that_differ_by_a_symbol_have_distinct_names() {
    for (wire, field, entity) in [
        ("C%20", "c_percent_20", "CPercent20"),
        ("c+", "c_plus", "CPlus"),
        ("c-d", "c_dash_d", "CDashD"),
        ("c.d", "c_dot_d", "CDotD"),
        ("c_d", "c_d", "CUnderscoreD"),
    ] {
        assert_eq!(snake_plan([wire], &[])[wire], field);
        assert_eq!(entity_plan([wire], &[])[wire], entity);
    }
    for (wire, plain) in [
        ("C/Slash", "CSlash"),
        ("C🔥", "C"),
        ("a:b", "aB"),
        ("a b", "aB"),
    ] {
        let name = |plan: super::Plan| plan[wire].clone();
        let field = name(snake_plan([wire], &[]));
        assert_eq!(name(snake_plan([wire, plain], &[])), field);
        assert_ne!(field, snake_plan([plain], &[])[plain]);
        let entity = name(entity_plan([wire], &[]));
        assert_eq!(name(entity_plan([wire, plain], &[])), entity);
        assert_ne!(entity, entity_plan([plain], &[])[plain]);
    }
}

#[test]
fn options_do_not_use_names_of_the_enum() {
    let plan = variant_plan([
        "",
        "Blank",
        "Other",
        "Unknown",
        "unknown",
        "Self",
        "Closed Won",
        "closed-won",
    ]);
    assert_eq!(plan[""], "Blank");
    assert_eq!(plan["Blank"], "BlankOption");
    assert_eq!(plan["Other"], "Other");
    assert!(plan["Unknown"].starts_with("UnknownOption"));
    let distinct: std::collections::BTreeSet<_> = plan.values().collect();
    assert_eq!(distinct.len(), plan.len(), "{plan:?}");
}

#[test]
fn names_are_stable_when_similar_ones_are_added() {
    let spellings = ["c-d", "c.d", "c d", "cD", "c--d", "ca", "c\u{e1}"];
    for (index, wire) in spellings.iter().enumerate() {
        for other in &spellings[index + 1..] {
            let both = snake_plan([*wire, *other], &[]);
            assert_eq!(
                snake_plan([*wire], &[])[*wire],
                both[*wire],
                "{wire:?} with {other:?}"
            );
            assert_eq!(
                snake_plan([*other], &[])[*other],
                both[*other],
                "{other:?} with {wire:?}"
            );
        }
    }
    let entities = [
        "CItem", "CITEM", "Citem", "cItem", "C_Item", "C-Item", "C Item", "C.Item",
    ];
    let all = entity_plan(entities, &[]);
    for wire in entities {
        assert_eq!(entity_plan([wire], &[])[wire], all[wire], "{wire}");
    }
}

#[test]
fn the_option_that_is_listed_first_keeps_its_name() {
    let options = [
        "follow-up",
        "Follow Up",
        "FollowUp",
        "follow_up",
        "Follow. Up",
        "FOLLOW UP",
    ];
    let alone = variant_plan([options[0]]);
    let mut before = alone;
    for count in 2..=options.len() {
        let after = variant_plan(options[..count].iter().copied());
        for (wire, rust) in &before {
            assert_eq!(after[wire], *rust, "{wire} of {count}");
        }
        before = after;
    }
    assert_eq!(before["follow-up"], "FollowUp");
}

#[test]
fn accents_are_part_of_names_in_either_normal_form() {
    for plan in [variant_plan, |wire: [&'static str; 1]| {
        snake_plan(wire, &[])
    }] {
        let (composed, decomposed) = ("Caf\u{e9}", "Cafe\u{301}");
        let name = plan([composed])[composed].clone();
        assert_eq!(plan([decomposed])[decomposed], name);
        assert_ne!(plan(["Cafe"])["Cafe"], name);
    }
    // Thai "news" and "rice" differ by a tone mark, which is not a letter.
    let words = [
        "\u{e02}\u{e48}\u{e32}\u{e27}",
        "\u{e02}\u{e49}\u{e32}\u{e27}",
    ];
    let both = variant_plan(words);
    for word in words {
        assert_eq!(variant_plan([word])[word], both[word]);
    }
}
