//! Kinds of requests, with their weights.

/// The action of a step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    Create,
    Update,
    Read,
    List,
    Related,
    Link,
    Unlink,
    Delete,
    Stream,
    Post,
    Follow,
    Star,
    Mass,
    Kanban,
    Activities,
    Global,
    Action,
    Document,
    Missing,
    Users,
}

/// The actions of a walk after it created its first records, by weight.
pub(super) const ACTS: &[(u32, Act)] = &[
    (14, Act::Create),
    (14, Act::Update),
    (12, Act::Read),
    (34, Act::List),
    (6, Act::Related),
    (5, Act::Link),
    (2, Act::Unlink),
    (2, Act::Delete),
    (4, Act::Stream),
    (3, Act::Post),
    (2, Act::Follow),
    (1, Act::Star),
    (2, Act::Mass),
    (1, Act::Kanban),
    (2, Act::Activities),
    (1, Act::Global),
    (2, Act::Action),
    (1, Act::Document),
    (2, Act::Missing),
    (2, Act::Users),
];

/// The actions of a walk that only reads.
pub(super) const READS: &[(u32, Act)] = &[
    (20, Act::Read),
    (60, Act::List),
    (10, Act::Related),
    (3, Act::Stream),
    (2, Act::Kanban),
    (2, Act::Activities),
    (1, Act::Document),
    (2, Act::Missing),
];
