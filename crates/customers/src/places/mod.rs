//! Where customers are: lists by place, and the places that there are. It has no table of its own: lists are those of
//! `customers`, numbers are counters of `statistics`.

pub mod api;
pub mod service;
