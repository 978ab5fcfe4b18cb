//! What every test here begins with.

use platform::app::Feature;

/// Customers, and the feature that they stand on.
pub fn features() -> [Feature; 2] {
    [identity::feature(), customers::feature()]
}
