//! The HTTP interface, asked without a network and once over a socket.

mod conditions;
mod endpoints;
mod openapi;
mod rejections;
mod socket;
mod support;
mod tenants;
