//! Getting pages from sites that are not ours: politely ([`pace`], [`robots`]), only from where we may ([`address`]), and
//! never more than we can hold ([`fetch`]).

pub(crate) mod address;
pub(crate) mod fetch;
pub(crate) mod pace;
pub(crate) mod request;
pub(crate) mod robots;
