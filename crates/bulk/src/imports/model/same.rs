//! Does a row that has somebody's public id mean that customer? The ids are drawn at random, and a file of another
//! installation has some that belong to other people here.

/// What is known of a customer under one of the keys, beside the id, that a row has as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The customer has nothing there.
    Nothing,
    /// The same.
    Same,
    /// Something else.
    Other,
}

/// Somebody else: something differs that tells customers apart, and nothing agrees.
pub fn is_another(told: impl IntoIterator<Item = Comparison>) -> bool {
    let mut differs = false;
    for one in told {
        match one {
            Comparison::Same => return false,
            Comparison::Other => differs = true,
            Comparison::Nothing => {}
        }
    }
    differs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_else_differs_and_agrees_in_nothing() {
        use Comparison::{Nothing, Other, Same};
        for (told, another) in [
            (vec![], false),
            (vec![Nothing, Nothing], false),
            (vec![Same, Nothing], false),
            (vec![Other, Same], false),
            (vec![Same, Other, Other], false),
            (vec![Other], true),
            (vec![Nothing, Other], true),
        ] {
            assert_eq!(is_another(told.clone()), another, "{told:?}");
        }
    }
}
