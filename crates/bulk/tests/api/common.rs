//! What every test here begins with.

use platform::app::Feature;

/// Bulk work, and the features that it stands on.
pub fn features() -> [Feature; 3] {
    [identity::feature(), customers::feature(), bulk::feature()]
}
