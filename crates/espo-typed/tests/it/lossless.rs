//! For every entity type a page of random records, as the server would send it, decodes without loss.

use espo_schema::{Attribute, EntityType, Schema, ValueType};
use espo_typed::espo_core::typed::{Decode, Entity};
use espo_typed::*;
use serde_json::{Map, Value, json};

macro_rules! every_entity_type {
    ($($entity:ident)*) => {
        const CHECKS: &[(&str, fn(&EntityType, u64))] = &[$(($entity::ENTITY_TYPE, check::<$entity>)),*];
    };
}

every_entity_type! {
    Account ActionHistoryRecord AddressCountry AppLogRecord AppSecret ArrayValue Attachment
    AuthLogRecord AuthToken AuthenticationProvider Autofollow Call Campaign CampaignLogRecord
    CampaignTrackingUrl Case Contact Currency CurrencyRecord CurrencyRecordRate DashboardTemplate
    Document DocumentFolder Email EmailAccount EmailAddress EmailFilter EmailFolder
    EmailQueueItem EmailTemplate EmailTemplateCategory Export Extension ExternalAccount
    GroupEmailFolder Import ImportEml ImportEntity ImportError InboundEmail Integration Job
    KanbanOrder KnowledgeBaseArticle KnowledgeBaseCategory LayoutRecord LayoutSet Lead
    LeadCapture LeadCaptureLogRecord MassAction MassEmail Meeting NextNumber Note Notification
    OAuthAccount OAuthProvider Opportunity PasswordChangeRequest PhoneNumber Pipeline PipelineStage Portal PortalRole
    Preferences Reminder Role ScheduledJob ScheduledJobLogRecord Settings Sms StarSubscription
    StreamSubscription SystemData Target TargetList TargetListCategory Task Team Template
    TwoFactorCode UniqueId User UserData UserReaction Webhook WebhookEventQueueItem
    WebhookQueueItem WorkingTimeCalendar WorkingTimeRange
}

/// A generator that gives the same numbers everywhere (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn id(&mut self) -> String {
        format!("{:017x}", self.next(u64::MAX))
    }

    fn text(&mut self) -> String {
        [
            "",
            "Acme",
            "line\nbreak \"quoted\" / \\",
            "Zażółć 💥",
            "0",
            " blanks ",
        ][self.next(6) as usize]
            .to_owned()
    }

    fn pick<'a>(&mut self, items: &'a [String]) -> &'a str {
        &items[self.next(items.len() as u64) as usize]
    }
}

/// A value as the server may send it: in the usual form, or in an awkward one that it is known to use.
fn value(attribute: &Attribute, random: &mut Random) -> Value {
    let ids = |random: &mut Random| (0..random.next(3)).map(|_| random.id()).collect::<Vec<_>>();
    let option = |random: &mut Random| match attribute.options.listed() {
        // An option that an administrator added later is kept like any other.
        Some(options) if !options.is_empty() && random.next(4) > 0 => {
            random.pick(options).to_owned()
        }
        _ => format!("New {}", random.next(9)),
    };
    let by_id = |random: &mut Random, value: fn(&mut Random) -> Value| match random.next(3) {
        0 => json!([]),
        _ => Value::Object(
            (0..1 + random.next(2))
                .map(|_| (random.id(), value(random)))
                .collect(),
        ),
    };
    let number = random.next(2_000_000) as i64 - 1_000_000;
    match &attribute.value {
        ValueType::Text => random.text().into(),
        ValueType::ParentType { .. } => ["Account", "CProject"][random.next(2) as usize].into(),
        ValueType::Bool => {
            [json!(true), json!(false), json!(1), json!("0")][random.next(4) as usize].clone()
        }
        ValueType::Int | ValueType::EnumInt => [
            json!(number),
            json!(number.to_string()),
            json!(number as f64),
        ][random.next(3) as usize]
            .clone(),
        ValueType::Float | ValueType::EnumFloat => [
            json!(number as f64 / 8.0),
            json!(number),
            json!((number as f64 / 8.0).to_string()),
        ][random.next(3) as usize]
            .clone(),
        ValueType::Decimal | ValueType::Money => {
            let text = format!("{}.{:02}", number, random.next(100));
            [
                json!(text),
                json!(text.parse::<f64>().unwrap_or_default()),
                json!(number),
            ][random.next(3) as usize]
                .clone()
        }
        ValueType::Date => format!(
            "20{:02}-{:02}-{:02}",
            random.next(99),
            1 + random.next(12),
            1 + random.next(28)
        )
        .into(),
        ValueType::DateTime => format!(
            "20{:02}-02-{:02} {:02}:59:07",
            random.next(99),
            1 + random.next(28),
            random.next(24)
        )
        .into(),
        ValueType::Id { .. } | ValueType::ParentId { .. } => random.id().into(),
        ValueType::IdList { .. } => ids(random).into(),
        ValueType::NameMap | ValueType::TypeMap => by_id(random, |random| random.text().into()),
        ValueType::ColumnMap { .. } => {
            by_id(random, |random| json!({"role": random.text(), "cNew": [1]}))
        }
        ValueType::EmailData => {
            json!([{"emailAddress": "a@b.example", "lower": "a@b.example", "primary": true,
            "optOut": false, "invalid": false, "new": 5}])
        }
        ValueType::PhoneData => {
            json!([{"phoneNumber": "+4930123", "type": "Office", "primary": true, "optOut": false,
            "invalid": false}])
        }
        ValueType::Enum => option(random).into(),
        ValueType::EnumList => (0..random.next(3))
            .map(|_| option(random))
            .collect::<Vec<_>>()
            .into(),
        ValueType::TextList => (0..random.next(3))
            .map(|_| random.text())
            .collect::<Vec<_>>()
            .into(),
        ValueType::IntList => json!([number, 0]),
        ValueType::JsonArray | ValueType::JsonObject | ValueType::Json => [
            json!([]),
            json!({"a": [1, null]}),
            json!("text"),
            json!([{"b": 1.5}]),
        ][random.next(4) as usize]
            .clone(),
    }
}

/// The same value in the usual form, for the comparison.
fn usual(attribute: Option<&Attribute>, value: &Value) -> Value {
    let Some(attribute) = attribute else {
        return value.clone();
    };
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    match &attribute.value {
        _ if value.is_null() => Value::Null,
        ValueType::Bool => json!(matches!(value.to_string().as_str(), "true" | "1" | "\"1\"")),
        ValueType::Int
        | ValueType::EnumInt
        | ValueType::Float
        | ValueType::EnumFloat
        | ValueType::Decimal
        | ValueType::Money => {
            json!(number(value))
        }
        ValueType::NameMap | ValueType::TypeMap | ValueType::ColumnMap { .. }
            if *value == json!([]) =>
        {
            json!({})
        }
        _ => value.clone(),
    }
}

fn check<E: Entity>(schema: &EntityType, seed: u64) {
    let mut random = Random(seed);
    let sent: Vec<Map<String, Value>> = (0..5)
        .map(|_| {
            let mut record = Map::new();
            for attribute in schema
                .attributes
                .values()
                .filter(|a| !a.filter_only && !a.write_only)
            {
                let is_id = attribute.name == "id";
                match if is_id { 7 } else { random.next(8) } {
                    0 => {}
                    1 => drop(record.insert(attribute.name.clone(), Value::Null)),
                    _ => drop(record.insert(attribute.name.clone(), value(attribute, &mut random))),
                }
            }
            record.insert("cUnknown".into(), json!({"deep": [1, null, "x"]}));
            record
        })
        .collect();
    let text = json!({"total": 5, "list": sent}).to_string();
    let page = E::decode_page(&text).expect("a page");
    assert_eq!(page.rejected, [], "{}", schema.name);
    for (sent, record) in sent.iter().zip(&page.records) {
        let back = record.to_json();
        let keys = |map: &Map<String, Value>| {
            map.keys()
                .cloned()
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(keys(&back), keys(sent), "{}", schema.name);
        for (name, value) in sent {
            let attribute = schema.attributes.get(name);
            assert_eq!(
                usual(attribute, &back[name]),
                usual(attribute, value),
                "{}.{name}",
                schema.name
            );
        }
        assert_eq!(
            E::decode_value(back.into()).as_ref().map(Record::to_json),
            Ok(record.to_json())
        );
        let text = serde_json::to_string(record).expect("a record is serialised");
        let again: E = serde_json::from_str(&text).expect("and read again");
        assert_eq!(again, *record, "{}", schema.name);
        assert_eq!(again.to_json(), record.to_json(), "{}", schema.name);
    }
}

use espo_typed::espo_core::typed::Record;

#[test]
fn every_attribute_round_trips() {
    let schema = Schema::stock();
    assert_eq!(
        CHECKS.len(),
        EXPECTED_SCHEMA.len(),
        "the list above has every entity type"
    );
    for (index, (name, check)) in CHECKS.iter().enumerate() {
        for round in 0..8 {
            check(&schema.entity_types[*name], (index as u64) << 32 | round);
        }
    }
}
