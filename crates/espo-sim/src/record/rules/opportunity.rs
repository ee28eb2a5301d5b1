//! Opportunities: the stage determines the probability and the last stage.

use serde_json::Value as Json;

use crate::record::hooks::Draft;
use crate::value::Value;
use crate::view::values;

/// Every save without a probability sets the probability of the stage, even if a user had set another one. The last
/// stage is the latest stage that is not lost, unless the body contains another one.
pub(super) fn save(d: &mut Draft) {
    stages(d);
    // A save computes it to the cent; reads compute it in full.
    let computed = ["amount", "amountCurrency", "probability"]
        .iter()
        .any(|attr| d.changed(attr));
    if let Some(ix) = d
        .layout
        .find("amountWeightedConverted")
        .filter(|_| computed)
    {
        let value = values::value(d.app, d.layout, &d.row, "amountWeightedConverted", "");
        if let Some(n) = value.as_f64() {
            d.shown
                .insert(ix, Value::Float((n * 100.0).round() / 100.0));
        }
    }
}

fn stages(d: &mut Draft) {
    let stage = d.get("stage");
    let Some(text) = stage.as_str().map(str::to_owned) else {
        return;
    };
    let field = d.app.layouts.entity(d.layout).fields.get("stage");
    let map = field.and_then(|f| f.raw.get("probabilityMap"));
    let probability = stage_probability(map, &text);
    if (!d.sent("probability") || d.get("probability").is_null())
        && let Some(p) = probability
    {
        d.set("probability", Value::Int(p));
    }
    if !d.changed("stage") || d.sent("lastStage") {
        return;
    }
    let lost = probability == Some(0);
    let last = match d.old {
        _ if !lost => stage,
        // It was never in another stage, so the first stage is used.
        None => {
            let first = field.and_then(|f| f.options.listed()?.first().cloned());
            first.map_or(stage, Value::text)
        }
        Some(old) => {
            let last = d.layout.slot("lastStage").map(|s| old.get(s).clone());
            last.filter(|l| !l.is_null()).unwrap_or(stage)
        }
    };
    d.set("lastStage", last);
}

/// The probability of a stage (`fields.probability` follows `stage.probabilityMap`).
pub(crate) fn stage_probability(map: Option<&Json>, stage: &str) -> Option<i64> {
    if let Some(map) = map.and_then(|m| m.as_object()) {
        return map.get(stage).and_then(Json::as_i64);
    }
    // The stock map, for metadata without one.
    Some(match stage {
        "Prospecting" => 10,
        "Qualification" => 20,
        "Proposal" => 50,
        "Negotiation" => 80,
        "Closed Won" => 100,
        "Closed Lost" => 0,
        _ => return None,
    })
}
