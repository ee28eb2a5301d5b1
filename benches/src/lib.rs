//! Shared code of the benchmarks: a response as returned by a server, and equivalent hand-written structs.

pub mod scratch;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// Returns the response of `GET Account` with this number of records, as formatted by PHP: 680 bytes and 52 attributes
/// per record.
pub fn account_page(records: usize) -> String {
    let mut text = format!("{{\"total\":{records},\"list\":[");
    for number in 0..records {
        let separator = if number == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{}", account(number));
    }
    text + "]}"
}

/// Returns one account as a list row.
pub fn account(number: usize) -> String {
    let street = number % 200 + 1;
    let row = ROW
        .replace("{hex}", &format!("{:05x}", number * 7919))
        .replace("{number}", &number.to_string());
    row.replace("{street}", &street.to_string())
}

const ROW: &str = concat!(
    r#"{"id":"6b0595cdc80f{hex}","name":"Account number {number}","deleted":false,"website":"https:\/\/account{number}.example","#,
    r#""emailAddress":"info@account{number}.example","phoneNumber":"+15550100","type":"Customer","industry":"Finance","#,
    r#""sicCode":null,"billingAddressStreet":"{street} Main Street","billingAddressCity":"Springfield","billingAddressState":null,"#,
    r#""billingAddressCountry":"United States","billingAddressPostalCode":"12345","shippingAddressStreet":null,"shippingAddressCity":null,"#,
    r#""shippingAddressState":null,"shippingAddressCountry":null,"shippingAddressPostalCode":null,"description":null,"#,
    r#""createdAt":"2026-01-31 08:15:00","modifiedAt":"2026-02-01 09:30:12","emailAddressIsOptedOut":false,"emailAddressIsInvalid":false,"#,
    r#""phoneNumberIsOptedOut":false,"phoneNumberIsInvalid":false,"streamUpdatedAt":"2026-02-01 09:30:12","campaignId":null,"campaignName":null,"#,
    r#""createdById":"6b059470103fa8601","createdByName":"Admin","modifiedById":null,"modifiedByName":null,"assignedUserId":"6b059470103fa8601","#,
    r#""assignedUserName":"Admin","originalLeadId":null,"originalLeadName":null,"isStarred":false,"versionNumber":3}"#,
);

/// A hand-written page.
#[derive(Debug, Deserialize)]
pub struct DerivedPage {
    /// Number of matching records.
    pub total: i64,
    /// The records.
    pub list: Vec<DerivedAccount>,
}

/// A hand-written account: the same attributes as the generated struct, serde's derive, dates and IDs as strings,
/// unknown attributes dropped.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    missing_docs,
    reason = "the attributes are those of the generated `Account`, which documents them"
)]
pub struct DerivedAccount {
    pub assigned_user_id: Option<String>,
    pub assigned_user_name: Option<String>,
    pub billing_address_city: Option<String>,
    pub billing_address_country: Option<String>,
    pub billing_address_map: Option<serde_json::Value>,
    pub billing_address_postal_code: Option<String>,
    pub billing_address_state: Option<String>,
    pub billing_address_street: Option<String>,
    pub campaign_id: Option<String>,
    pub campaign_name: Option<String>,
    pub contact_is_inactive: Option<bool>,
    pub contact_role: Option<String>,
    pub created_at: Option<String>,
    pub created_by_id: Option<String>,
    pub created_by_name: Option<String>,
    pub deleted: Option<bool>,
    pub description: Option<String>,
    pub email_address: Option<String>,
    pub email_address_data: Option<Vec<serde_json::Value>>,
    pub email_address_is_invalid: Option<bool>,
    pub email_address_is_opted_out: Option<bool>,
    pub followers_ids: Option<Vec<String>>,
    pub followers_names: Option<BTreeMap<String, String>>,
    pub id: Option<String>,
    pub industry: Option<String>,
    pub is_followed: Option<bool>,
    pub is_starred: Option<bool>,
    pub modified_at: Option<String>,
    pub modified_by_id: Option<String>,
    pub modified_by_name: Option<String>,
    pub name: Option<String>,
    pub original_lead_id: Option<String>,
    pub original_lead_name: Option<String>,
    pub phone_number: Option<String>,
    pub phone_number_data: Option<Vec<serde_json::Value>>,
    pub phone_number_is_invalid: Option<bool>,
    pub phone_number_is_opted_out: Option<bool>,
    pub shipping_address_city: Option<String>,
    pub shipping_address_country: Option<String>,
    pub shipping_address_map: Option<serde_json::Value>,
    pub shipping_address_postal_code: Option<String>,
    pub shipping_address_state: Option<String>,
    pub shipping_address_street: Option<String>,
    pub sic_code: Option<String>,
    pub stream_updated_at: Option<String>,
    pub target_list_id: Option<String>,
    pub target_list_is_opted_out: Option<bool>,
    pub target_list_name: Option<String>,
    pub target_lists_ids: Option<Vec<String>>,
    pub target_lists_names: Option<BTreeMap<String, String>>,
    pub teams_ids: Option<Vec<String>>,
    pub teams_names: Option<BTreeMap<String, String>>,
    pub r#type: Option<String>,
    pub version_number: Option<i64>,
    pub website: Option<String>,
}
