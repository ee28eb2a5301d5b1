//! The sizes of the stock schemas compared with those of EspoCRM 10.0 and 9.3.

use espo_schema::Schema;

/// Entity type, and the numbers of its fields, links, attributes, and attributes that the record's own query loads.
type Counts = (&'static str, usize, usize, usize, usize);

/// The entity types of 10.0.
const COUNTS: [Counts; 91] = [
    ("Account", 41, 22, 57, 39),
    ("ActionHistoryRecord", 11, 4, 18, 16),
    ("AddressCountry", 4, 0, 5, 4),
    ("AppLogRecord", 11, 0, 14, 13),
    ("AppSecret", 8, 2, 12, 12),
    ("ArrayValue", 3, 0, 8, 6),
    ("Attachment", 16, 3, 24, 20),
    ("AuthLogRecord", 13, 4, 19, 18),
    ("AuthToken", 11, 3, 16, 15),
    ("AuthenticationProvider", 17, 0, 19, 18),
    ("Autofollow", 3, 0, 6, 4),
    ("Call", 22, 9, 37, 22),
    ("Campaign", 38, 17, 49, 24),
    ("CampaignLogRecord", 13, 5, 23, 19),
    ("CampaignTrackingUrl", 10, 3, 15, 14),
    ("Case", 22, 15, 41, 27),
    ("Contact", 46, 23, 67, 41),
    ("Currency", 2, 0, 3, 2),
    ("CurrencyRecord", 8, 1, 11, 5),
    ("CurrencyRecordRate", 9, 3, 15, 14),
    ("DashboardTemplate", 7, 2, 11, 11),
    ("Document", 15, 9, 24, 20),
    ("DocumentFolder", 9, 6, 15, 12),
    ("Email", 77, 22, 108, 44),
    ("EmailAccount", 34, 6, 40, 40),
    ("EmailAddress", 5, 0, 7, 6),
    ("EmailFilter", 17, 5, 25, 24),
    ("EmailFolder", 8, 3, 13, 13),
    ("EmailQueueItem", 8, 2, 14, 12),
    ("EmailTemplate", 15, 6, 26, 20),
    ("EmailTemplateCategory", 10, 6, 16, 13),
    ("Export", 6, 1, 11, 9),
    ("Extension", 10, 1, 13, 13),
    ("ExternalAccount", 4, 0, 6, 5),
    ("GroupEmailFolder", 7, 4, 12, 10),
    ("Import", 11, 2, 16, 12),
    ("ImportEml", 1, 0, 5, 4),
    ("ImportEntity", 6, 0, 11, 8),
    ("ImportError", 9, 1, 13, 10),
    ("InboundEmail", 49, 9, 58, 55),
    ("Integration", 3, 0, 5, 4),
    ("Job", 21, 1, 24, 24),
    ("KanbanOrder", 4, 1, 10, 7),
    ("KnowledgeBaseArticle", 19, 7, 30, 21),
    ("KnowledgeBaseCategory", 10, 6, 16, 13),
    ("LayoutRecord", 3, 1, 6, 6),
    ("LayoutSet", 4, 3, 6, 6),
    ("Lead", 48, 18, 66, 47),
    ("LeadCapture", 42, 9, 52, 46),
    ("LeadCaptureLogRecord", 7, 2, 13, 11),
    ("MassAction", 9, 1, 13, 12),
    ("MassEmail", 19, 8, 28, 23),
    ("Meeting", 27, 9, 46, 27),
    ("NextNumber", 3, 0, 6, 5),
    ("Note", 22, 9, 39, 23),
    ("Notification", 17, 4, 26, 18),
    ("OAuthAccount", 14, 4, 20, 19),
    ("OAuthProvider", 16, 3, 20, 19),
    ("Opportunity", 24, 14, 40, 31),
    ("PasswordChangeRequest", 4, 1, 8, 7),
    ("PhoneNumber", 6, 0, 8, 7),
    ("Pipeline", 13, 4, 18, 16),
    ("PipelineStage", 11, 3, 16, 16),
    ("Portal", 31, 8, 40, 36),
    ("PortalRole", 7, 2, 9, 9),
    ("Preferences", 49, 0, 51, 48),
    ("Reminder", 7, 2, 13, 11),
    ("Role", 19, 2, 21, 20),
    ("ScheduledJob", 10, 3, 14, 14),
    ("ScheduledJobLogRecord", 6, 1, 11, 10),
    ("Settings", 193, 0, 204, 183),
    ("Sms", 16, 8, 28, 18),
    ("StarSubscription", 4, 0, 9, 6),
    ("StreamSubscription", 3, 0, 8, 5),
    ("SystemData", 2, 0, 4, 3),
    ("Target", 29, 4, 37, 31),
    ("TargetList", 16, 13, 24, 14),
    ("TargetListCategory", 10, 6, 16, 13),
    ("Task", 24, 9, 43, 28),
    ("Team", 9, 7, 14, 11),
    ("Template", 29, 3, 35, 32),
    ("TwoFactorCode", 5, 1, 10, 9),
    ("UniqueId", 6, 2, 11, 10),
    ("User", 58, 19, 79, 41),
    ("UserData", 4, 1, 9, 8),
    ("UserReaction", 4, 2, 9, 7),
    ("Webhook", 14, 4, 20, 19),
    ("WebhookEventQueueItem", 7, 2, 13, 11),
    ("WebhookQueueItem", 10, 2, 16, 14),
    ("WorkingTimeCalendar", 24, 5, 29, 26),
    ("WorkingTimeRange", 12, 4, 18, 14),
];

/// Those that are different in 9.3, which has no pipelines.
const COUNTS_9_3: [Counts; 17] = [
    ("Account", 40, 22, 56, 38),
    ("AuthToken", 10, 3, 15, 14),
    ("AuthenticationProvider", 16, 0, 18, 17),
    ("Case", 21, 14, 39, 27),
    ("Contact", 46, 21, 67, 41),
    ("EmailAccount", 33, 6, 39, 39),
    ("InboundEmail", 48, 9, 57, 54),
    ("Job", 23, 1, 26, 26),
    ("Lead", 48, 16, 66, 47),
    ("LeadCapture", 41, 8, 50, 44),
    ("Meeting", 26, 9, 45, 26),
    ("Notification", 14, 4, 23, 17),
    ("Preferences", 47, 0, 49, 46),
    ("Role", 18, 2, 20, 19),
    ("Task", 23, 8, 41, 28),
    ("User", 57, 19, 78, 40),
    ("WorkingTimeCalendar", 23, 4, 28, 26),
];

/// Fields, links, attributes and selected attributes, as in [`COUNTS`].
fn counts<'a>(schema: &'a Schema, name: &'a str) -> (&'a str, usize, usize, usize, usize) {
    let entity = &schema.entity_types[name];
    (
        name,
        entity.fields.len(),
        entity.links.values().filter(|link| !link.implicit).count(),
        entity.attributes.len(),
        entity.attributes.values().filter(|a| a.selected).count(),
    )
}

fn totals(schema: &Schema) -> (usize, usize) {
    let all = schema.entity_types.keys().map(|name| counts(schema, name));
    all.fold((0, 0), |(fields, links), row| {
        (fields + row.1, links + row.2)
    })
}

#[test]
fn every_entity_type_has_the_fields_links_and_attributes_of_the_server() {
    let schema = Schema::stock();
    let names: Vec<&str> = schema.entity_types.keys().map(String::as_str).collect();
    assert_eq!(names, COUNTS.map(|row| row.0));
    for row in COUNTS {
        assert_eq!(counts(schema, row.0), row);
    }
    assert_eq!(totals(schema), (1570, 417));
    assert_eq!(schema.field_types.len(), 46);
    assert_eq!(schema.other_scopes.len(), 10);
}

#[test]
fn the_older_stock_schema_matches_the_older_server() {
    let schema = Schema::stock_9_3();
    let expected = COUNTS
        .into_iter()
        .filter(|row| !row.0.starts_with("Pipeline"))
        .map(|row| {
            *COUNTS_9_3
                .iter()
                .find(|older| older.0 == row.0)
                .unwrap_or(&row)
        });
    let names: Vec<&str> = schema.entity_types.keys().map(String::as_str).collect();
    for row in expected.clone() {
        assert_eq!(counts(schema, row.0), row);
    }
    assert_eq!(names, expected.map(|row| row.0).collect::<Vec<_>>());
    assert_eq!(totals(schema), (1531, 402));
    assert_eq!(schema.field_types.len(), 46);
}
