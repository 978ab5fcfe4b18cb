"""Contains all the data models used in inputs/outputs"""

from .account_change import AccountChange
from .api_key import ApiKey
from .api_key_change import ApiKeyChange
from .api_key_list import ApiKeyList
from .api_key_maker import ApiKeyMaker
from .avatar import Avatar
from .city_list import CityList
from .contact_method import ContactMethod
from .country_list import CountryList
from .customer import Customer
from .customer_bulk_change import CustomerBulkChange
from .customer_bulk_change_gender_type_1 import CustomerBulkChangeGenderType1
from .customer_bulk_change_gender_type_2_type_1 import (
    CustomerBulkChangeGenderType2Type1,
)
from .customer_bulk_change_gender_type_3_type_1 import (
    CustomerBulkChangeGenderType3Type1,
)
from .customer_bulk_change_metadata_type_0 import CustomerBulkChangeMetadataType0
from .customer_bulk_change_notification_preferences_type_0 import (
    CustomerBulkChangeNotificationPreferencesType0,
)
from .customer_bulk_change_preferred_contact_method_type_1 import (
    CustomerBulkChangePreferredContactMethodType1,
)
from .customer_bulk_change_preferred_contact_method_type_2_type_1 import (
    CustomerBulkChangePreferredContactMethodType2Type1,
)
from .customer_bulk_change_preferred_contact_method_type_3_type_1 import (
    CustomerBulkChangePreferredContactMethodType3Type1,
)
from .customer_bulk_counted import CustomerBulkCounted
from .customer_bulk_failure import CustomerBulkFailure
from .customer_bulk_update import CustomerBulkUpdate
from .customer_bulk_update_filter_type_0 import CustomerBulkUpdateFilterType0
from .customer_bulk_update_filter_type_0_gender import (
    CustomerBulkUpdateFilterType0Gender,
)
from .customer_bulk_updated import CustomerBulkUpdated
from .customer_change import CustomerChange
from .customer_change_gender_type_1 import CustomerChangeGenderType1
from .customer_change_gender_type_2_type_1 import CustomerChangeGenderType2Type1
from .customer_change_gender_type_3_type_1 import CustomerChangeGenderType3Type1
from .customer_change_metadata_type_0 import CustomerChangeMetadataType0
from .customer_change_notification_preferences_type_0 import (
    CustomerChangeNotificationPreferencesType0,
)
from .customer_change_preferred_contact_method_type_1 import (
    CustomerChangePreferredContactMethodType1,
)
from .customer_change_preferred_contact_method_type_2_type_1 import (
    CustomerChangePreferredContactMethodType2Type1,
)
from .customer_change_preferred_contact_method_type_3_type_1 import (
    CustomerChangePreferredContactMethodType3Type1,
)
from .customer_list import CustomerList
from .customer_metadata import CustomerMetadata
from .customer_notification_preferences import CustomerNotificationPreferences
from .customer_search import CustomerSearch
from .customer_search_gender_type_1 import CustomerSearchGenderType1
from .customer_search_gender_type_2_type_1 import CustomerSearchGenderType2Type1
from .customer_search_gender_type_3_type_1 import CustomerSearchGenderType3Type1
from .customer_search_sort_by_type_1 import CustomerSearchSortByType1
from .customer_search_sort_by_type_2_type_1 import CustomerSearchSortByType2Type1
from .customer_search_sort_by_type_3_type_1 import CustomerSearchSortByType3Type1
from .customer_search_sort_order_type_1 import CustomerSearchSortOrderType1
from .customer_search_sort_order_type_2_type_1 import CustomerSearchSortOrderType2Type1
from .customer_search_sort_order_type_3_type_1 import CustomerSearchSortOrderType3Type1
from .customer_search_tags_match_type_1 import CustomerSearchTagsMatchType1
from .customer_search_tags_match_type_2_type_1 import CustomerSearchTagsMatchType2Type1
from .customer_search_tags_match_type_3_type_1 import CustomerSearchTagsMatchType3Type1
from .customer_statistics import CustomerStatistics
from .customer_statistics_customers_by_city import CustomerStatisticsCustomersByCity
from .customer_statistics_customers_by_country import (
    CustomerStatisticsCustomersByCountry,
)
from .customer_statistics_gender_distribution import (
    CustomerStatisticsGenderDistribution,
)
from .deactivation import Deactivation
from .email_proof import EmailProof
from .event import Event
from .event_actor import EventActor
from .event_actor_kind import EventActorKind
from .event_changes import EventChanges
from .event_changes_after_type_0 import EventChangesAfterType0
from .event_changes_before_type_0 import EventChangesBeforeType0
from .event_feed import EventFeed
from .event_subject import EventSubject
from .export_customers_format import ExportCustomersFormat
from .export_customers_gender import ExportCustomersGender
from .field_error import FieldError
from .gender import Gender
from .get_job_report_format import GetJobReportFormat
from .get_job_report_verdict import GetJobReportVerdict
from .health import Health
from .health_components import HealthComponents
from .health_part import HealthPart
from .health_part_status import HealthPartStatus
from .health_status import HealthStatus
from .image_form import ImageForm
from .import_column import ImportColumn
from .import_customers_date_order import ImportCustomersDateOrder
from .import_customers_delimiter import ImportCustomersDelimiter
from .import_customers_empty import ImportCustomersEmpty
from .import_customers_format import ImportCustomersFormat
from .import_customers_match import ImportCustomersMatch
from .import_customers_mode import ImportCustomersMode
from .import_customers_on_error import ImportCustomersOnError
from .import_customers_unknown import ImportCustomersUnknown
from .import_form import ImportForm
from .job import Job
from .job_error import JobError
from .job_kind import JobKind
from .job_list import JobList
from .job_progress import JobProgress
from .job_state import JobState
from .key_set import KeySet
from .key_set_keys_item import KeySetKeysItem
from .list_api_keys_sort_by import ListApiKeysSortBy
from .list_api_keys_sort_order import ListApiKeysSortOrder
from .list_customers_by_location_gender import ListCustomersByLocationGender
from .list_customers_by_location_sort_by import ListCustomersByLocationSortBy
from .list_customers_by_location_sort_order import ListCustomersByLocationSortOrder
from .list_customers_by_tags_gender import ListCustomersByTagsGender
from .list_customers_by_tags_match import ListCustomersByTagsMatch
from .list_customers_by_tags_sort_by import ListCustomersByTagsSortBy
from .list_customers_by_tags_sort_order import ListCustomersByTagsSortOrder
from .list_customers_gender import ListCustomersGender
from .list_customers_sort_by import ListCustomersSortBy
from .list_customers_sort_order import ListCustomersSortOrder
from .list_jobs_sort_by import ListJobsSortBy
from .list_jobs_sort_order import ListJobsSortOrder
from .list_jobs_state import ListJobsState
from .logged_in import LoggedIn
from .login import Login
from .logout import Logout
from .new_api_key import NewApiKey
from .new_api_key_reply import NewApiKeyReply
from .new_customer import NewCustomer
from .new_customer_gender_type_1 import NewCustomerGenderType1
from .new_customer_gender_type_2_type_1 import NewCustomerGenderType2Type1
from .new_customer_gender_type_3_type_1 import NewCustomerGenderType3Type1
from .new_customer_metadata_type_0 import NewCustomerMetadataType0
from .new_customer_notification_preferences_type_0 import (
    NewCustomerNotificationPreferencesType0,
)
from .new_customer_preferred_contact_method_type_1 import (
    NewCustomerPreferredContactMethodType1,
)
from .new_customer_preferred_contact_method_type_2_type_1 import (
    NewCustomerPreferredContactMethodType2Type1,
)
from .new_customer_preferred_contact_method_type_3_type_1 import (
    NewCustomerPreferredContactMethodType3Type1,
)
from .new_profile import NewProfile
from .new_profile_gender_type_1 import NewProfileGenderType1
from .new_profile_gender_type_2_type_1 import NewProfileGenderType2Type1
from .new_profile_gender_type_3_type_1 import NewProfileGenderType3Type1
from .new_profile_metadata_type_0 import NewProfileMetadataType0
from .new_profile_notification_preferences_type_0 import (
    NewProfileNotificationPreferencesType0,
)
from .new_profile_preferred_contact_method_type_1 import (
    NewProfilePreferredContactMethodType1,
)
from .new_profile_preferred_contact_method_type_2_type_1 import (
    NewProfilePreferredContactMethodType2Type1,
)
from .new_profile_preferred_contact_method_type_3_type_1 import (
    NewProfilePreferredContactMethodType3Type1,
)
from .phone_status import PhoneStatus
from .place_type_1 import PlaceType1
from .problem import Problem
from .profile_answer import ProfileAnswer
from .profile_question import ProfileQuestion
from .refresh import Refresh
from .registered import Registered
from .registration import Registration
from .revoked_sessions import RevokedSessions
from .service_count import ServiceCount
from .service_done import ServiceDone
from .session import Session
from .session_list import SessionList
from .state_list import StateList
from .tag import Tag
from .tag_list import TagList
from .token_pair import TokenPair
from .token_verification import TokenVerification
from .user import User
from .verification import Verification
from .verified_token import VerifiedToken

__all__ = (
    "AccountChange",
    "ApiKey",
    "ApiKeyChange",
    "ApiKeyList",
    "ApiKeyMaker",
    "Avatar",
    "CityList",
    "ContactMethod",
    "CountryList",
    "Customer",
    "CustomerBulkChange",
    "CustomerBulkChangeGenderType1",
    "CustomerBulkChangeGenderType2Type1",
    "CustomerBulkChangeGenderType3Type1",
    "CustomerBulkChangeMetadataType0",
    "CustomerBulkChangeNotificationPreferencesType0",
    "CustomerBulkChangePreferredContactMethodType1",
    "CustomerBulkChangePreferredContactMethodType2Type1",
    "CustomerBulkChangePreferredContactMethodType3Type1",
    "CustomerBulkCounted",
    "CustomerBulkFailure",
    "CustomerBulkUpdate",
    "CustomerBulkUpdated",
    "CustomerBulkUpdateFilterType0",
    "CustomerBulkUpdateFilterType0Gender",
    "CustomerChange",
    "CustomerChangeGenderType1",
    "CustomerChangeGenderType2Type1",
    "CustomerChangeGenderType3Type1",
    "CustomerChangeMetadataType0",
    "CustomerChangeNotificationPreferencesType0",
    "CustomerChangePreferredContactMethodType1",
    "CustomerChangePreferredContactMethodType2Type1",
    "CustomerChangePreferredContactMethodType3Type1",
    "CustomerList",
    "CustomerMetadata",
    "CustomerNotificationPreferences",
    "CustomerSearch",
    "CustomerSearchGenderType1",
    "CustomerSearchGenderType2Type1",
    "CustomerSearchGenderType3Type1",
    "CustomerSearchSortByType1",
    "CustomerSearchSortByType2Type1",
    "CustomerSearchSortByType3Type1",
    "CustomerSearchSortOrderType1",
    "CustomerSearchSortOrderType2Type1",
    "CustomerSearchSortOrderType3Type1",
    "CustomerSearchTagsMatchType1",
    "CustomerSearchTagsMatchType2Type1",
    "CustomerSearchTagsMatchType3Type1",
    "CustomerStatistics",
    "CustomerStatisticsCustomersByCity",
    "CustomerStatisticsCustomersByCountry",
    "CustomerStatisticsGenderDistribution",
    "Deactivation",
    "EmailProof",
    "Event",
    "EventActor",
    "EventActorKind",
    "EventChanges",
    "EventChangesAfterType0",
    "EventChangesBeforeType0",
    "EventFeed",
    "EventSubject",
    "ExportCustomersFormat",
    "ExportCustomersGender",
    "FieldError",
    "Gender",
    "GetJobReportFormat",
    "GetJobReportVerdict",
    "Health",
    "HealthComponents",
    "HealthPart",
    "HealthPartStatus",
    "HealthStatus",
    "ImageForm",
    "ImportColumn",
    "ImportCustomersDateOrder",
    "ImportCustomersDelimiter",
    "ImportCustomersEmpty",
    "ImportCustomersFormat",
    "ImportCustomersMatch",
    "ImportCustomersMode",
    "ImportCustomersOnError",
    "ImportCustomersUnknown",
    "ImportForm",
    "Job",
    "JobError",
    "JobKind",
    "JobList",
    "JobProgress",
    "JobState",
    "KeySet",
    "KeySetKeysItem",
    "ListApiKeysSortBy",
    "ListApiKeysSortOrder",
    "ListCustomersByLocationGender",
    "ListCustomersByLocationSortBy",
    "ListCustomersByLocationSortOrder",
    "ListCustomersByTagsGender",
    "ListCustomersByTagsMatch",
    "ListCustomersByTagsSortBy",
    "ListCustomersByTagsSortOrder",
    "ListCustomersGender",
    "ListCustomersSortBy",
    "ListCustomersSortOrder",
    "ListJobsSortBy",
    "ListJobsSortOrder",
    "ListJobsState",
    "LoggedIn",
    "Login",
    "Logout",
    "NewApiKey",
    "NewApiKeyReply",
    "NewCustomer",
    "NewCustomerGenderType1",
    "NewCustomerGenderType2Type1",
    "NewCustomerGenderType3Type1",
    "NewCustomerMetadataType0",
    "NewCustomerNotificationPreferencesType0",
    "NewCustomerPreferredContactMethodType1",
    "NewCustomerPreferredContactMethodType2Type1",
    "NewCustomerPreferredContactMethodType3Type1",
    "NewProfile",
    "NewProfileGenderType1",
    "NewProfileGenderType2Type1",
    "NewProfileGenderType3Type1",
    "NewProfileMetadataType0",
    "NewProfileNotificationPreferencesType0",
    "NewProfilePreferredContactMethodType1",
    "NewProfilePreferredContactMethodType2Type1",
    "NewProfilePreferredContactMethodType3Type1",
    "PhoneStatus",
    "PlaceType1",
    "Problem",
    "ProfileAnswer",
    "ProfileQuestion",
    "Refresh",
    "Registered",
    "Registration",
    "RevokedSessions",
    "ServiceCount",
    "ServiceDone",
    "Session",
    "SessionList",
    "StateList",
    "Tag",
    "TagList",
    "TokenPair",
    "TokenVerification",
    "User",
    "Verification",
    "VerifiedToken",
)
