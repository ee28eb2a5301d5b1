//! Tests of the generated code. They share one binary, because each binary links the SDK and the simulator.

mod actions;
mod awkward_answers;
mod edges;
mod examples;
mod first_query;
mod instance;
mod lossless;
mod program;
mod projection;
mod records;
mod relations;
mod shown;
