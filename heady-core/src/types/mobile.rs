//! The leaf types in Kotlin and Swift.

use std::time::SystemTime;

use super::{Id, Json, Timestamp};
use crate::mobile::HeadyError;

uniffi::custom_newtype!(Id, String);

uniffi::custom_type!(Json, String, {
    lower: |json| json.0.to_string(),
    try_lift: |text| Ok(text.parse::<Json>().map_err(HeadyError::from)?),
});

uniffi::custom_type!(Timestamp, SystemTime, {
    remote,
    lower: |timestamp| timestamp.into(),
    try_lift: |time| Ok(time.into()),
});
