//! The bodies of the routes, by name.

use kernel::web::Body;

use crate::customer::model::NewCustomer;
use crate::customer::model::input::{
    CustomerChange, Deactivation, NewProfile, ProfileQuestion, ServiceDone, Verification,
};

// A body by name: the name is the component's in the document.
/// Body of a creation.
pub type NewCustomerBody = Body<NewCustomer>;
/// Body of PUT and PATCH.
pub type CustomerChangeBody = Body<CustomerChange>;
/// Body of `profile/create`.
pub type NewProfileBody = Body<NewProfile>;
/// Body of `deactivate`.
pub type DeactivationBody = Body<Deactivation>;
/// Body of `verify`.
pub type VerificationBody = Body<Verification>;
/// Body of `increment_service`.
pub type ServiceDoneBody = Body<ServiceDone>;
/// Body of `check_profile_exists`.
pub type ProfileQuestionBody = Body<ProfileQuestion>;
