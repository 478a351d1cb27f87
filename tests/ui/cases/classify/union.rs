// A union has no cases.
//~ `Classify` is for enums and structs, and this is a union

use resilience::Classify;

#[derive(Classify)]
#[allow(dead_code)]
union Bits {
    int: u32,
    float: f32,
}

fn main() {}
