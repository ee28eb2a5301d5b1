//! The server over its own sockets. One binary: each links the whole simulator.

mod administration;
mod assignment;
mod auth;
mod common;
mod controllers;
mod events;
mod fuzz;
mod indexes;
mod layers;
mod lifecycle;
mod links;
mod records;
mod routes_actions;
mod routes_app;
mod routes_bulk;
mod routes_crm;
mod routes_files;
mod routes_import;
mod routes_stream;
mod search;
mod secrets;
mod server_rules;
mod webhooks;
mod writes;
