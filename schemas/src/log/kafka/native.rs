//! What librdkafka can and its Rust binding does not offer. The only unsafe code of the workspace: it can go when the binding
//! wraps `DescribeTopics` (the id of a topic) and the watermarks that come with each fetch.
#![allow(unsafe_code)]

use rdkafka::{
    bindings::{
        rd_kafka_AdminOptions_destroy, rd_kafka_AdminOptions_new, rd_kafka_AdminOptions_set_request_timeout,
        rd_kafka_DescribeTopics, rd_kafka_DescribeTopics_result_topics, rd_kafka_TopicCollection_destroy,
        rd_kafka_TopicCollection_of_topic_names, rd_kafka_TopicDescription_error, rd_kafka_TopicDescription_topic_id,
        rd_kafka_Uuid_least_significant_bits, rd_kafka_Uuid_most_significant_bits, rd_kafka_admin_op_t,
        rd_kafka_err2str, rd_kafka_error_code, rd_kafka_error_string, rd_kafka_event_DescribeTopics_result,
        rd_kafka_event_destroy, rd_kafka_event_error, rd_kafka_event_error_string, rd_kafka_get_watermark_offsets,
        rd_kafka_queue_destroy, rd_kafka_queue_new, rd_kafka_queue_poll, rd_kafka_resp_err_t,
    },
    client::{Client, ClientContext},
};
use std::{
    ffi::{CStr, CString, c_char, c_int},
    ptr,
    time::Duration,
};

/// The id of a topic, in hexadecimal: it changes when the topic is deleted and made again. Blocks for up to `wait`.
///
/// # Errors
/// What Kafka answers.
pub(super) fn topic_id<C: ClientContext>(client: &Client<C>, topic: &str, wait: Duration) -> Result<String, String> {
    let name = CString::new(topic).map_err(|error| error.to_string())?;
    let millis = c_int::try_from(wait.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: every handle is made here, checked where it may be null, and destroyed by `Handles` after the last use of what
    // points into it; `name` and `error` outlive the calls that read them; the client outlives the call.
    unsafe {
        let rk = client.native_ptr();
        let mut names = [name.as_ptr()];
        let mut handles = Handles {
            topics: rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            options: rd_kafka_AdminOptions_new(rk, rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS),
            queue: rd_kafka_queue_new(rk),
            event: ptr::null_mut(),
        };
        let mut error = [0 as c_char; 256];
        let set = rd_kafka_AdminOptions_set_request_timeout(handles.options, millis, error.as_mut_ptr(), error.len());
        if set != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(text(error.as_ptr()));
        }
        rd_kafka_DescribeTopics(rk, handles.topics, handles.options, handles.queue);
        handles.event = rd_kafka_queue_poll(handles.queue, millis.saturating_add(1000));
        if handles.event.is_null() {
            return Err("no answer in time".into());
        }
        if rd_kafka_event_error(handles.event) != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(text(rd_kafka_event_error_string(handles.event)));
        }
        let result = rd_kafka_event_DescribeTopics_result(handles.event);
        if result.is_null() {
            return Err("an answer to something else".into());
        }
        let mut count = 0;
        let described = rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if described.is_null() || count != 1 {
            return Err(format!("an answer about {count} topics"));
        }
        let described = *described;
        let failed = rd_kafka_TopicDescription_error(described);
        if !failed.is_null() && rd_kafka_error_code(failed) != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Err(text(rd_kafka_error_string(failed)));
        }
        let id = rd_kafka_TopicDescription_topic_id(described);
        if id.is_null() {
            return Err("no topic id: the broker is older than Kafka 2.8".into());
        }
        let (most, least) = (rd_kafka_Uuid_most_significant_bits(id), rd_kafka_Uuid_least_significant_bits(id));
        if most == 0 && least == 0 {
            return Err("no topic id: the broker is older than Kafka 2.8".into());
        }
        Ok(format!("{most:016x}{least:016x}"))
    }
}

/// The first offset kept and the end of a partition, as the last fetch brought them; none before the first. Does not wait.
pub(super) fn watermarks<C: ClientContext>(client: &Client<C>, topic: &CStr, partition: u32) -> Option<(u64, u64)> {
    let (mut low, mut high) = (-1, -1);
    // SAFETY: the client outlives the call, the name ends in a null, and the two numbers are written within the call.
    let outcome = unsafe {
        rd_kafka_get_watermark_offsets(
            client.native_ptr(),
            topic.as_ptr(),
            i32::try_from(partition).ok()?,
            &raw mut low,
            &raw mut high,
        )
    };
    match outcome {
        rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Some((u64::try_from(low).ok()?, u64::try_from(high).ok()?)),
        _ => None,
    }
}

struct Handles {
    topics: *mut rdkafka::bindings::rd_kafka_TopicCollection_t,
    options: *mut rdkafka::bindings::rd_kafka_AdminOptions_t,
    queue: *mut rdkafka::bindings::rd_kafka_queue_t,
    event: *mut rdkafka::bindings::rd_kafka_event_t,
}

impl Drop for Handles {
    fn drop(&mut self) {
        // SAFETY: each was made by librdkafka for us and is destroyed once, here; an event may be missing.
        unsafe {
            if !self.event.is_null() {
                rd_kafka_event_destroy(self.event);
            }
            rd_kafka_queue_destroy(self.queue);
            rd_kafka_AdminOptions_destroy(self.options);
            rd_kafka_TopicCollection_destroy(self.topics);
        }
    }
}

/// A text of librdkafka's.
///
/// # Safety
/// `text` is null or points to a text that ends in a null and lives through the call.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        // SAFETY: a constant of librdkafka's.
        let unknown = unsafe { rd_kafka_err2str(rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN) };
        // SAFETY: see above.
        return unsafe { CStr::from_ptr(unknown) }.to_string_lossy().into_owned();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
